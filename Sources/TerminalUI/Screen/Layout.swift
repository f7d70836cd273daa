/// Where everything is on a screen of a given size.
///
/// Without a call: chat on the left, users on the right. In a call the picture takes the larger part: above the chat on
/// ordinary screens (stacked), left of it on wide ones (side by side), whichever wastes less of the screen.
struct Layout: Equatable {
  /// What is wanted on the screen.
  struct Wish: Equatable {
    var isInCall = false
    var showsStatistics = false
    var isListFocused = true
    var userCount = 0
  }

  /// The smallest screen that can be worked with.
  static let smallest = (columns: 24, rows: 6)

  let columns: Int
  let rows: Int
  /// Nothing fits: a message is all there is.
  let isTooSmall: Bool
  private(set) var title = Rect()
  private(set) var picture = Rect()
  private(set) var callBar = Rect()
  private(set) var chat = Rect()
  private(set) var users = Rect()
  private(set) var statistics = Rect()
  /// Vertical lines between panes.
  private(set) var dividers: [Rect] = []
  private(set) var input = Rect()
  private(set) var keyBar = Rect()

  init(columns: Int, rows: Int, wish: Wish) {
    self.columns = columns
    self.rows = rows
    isTooSmall = columns < Self.smallest.columns || rows < Self.smallest.rows
    guard !isTooSmall else { return }
    var body = Rect(columns: columns, rows: rows)
    title = body.takeTop(1)
    if rows >= 12 { keyBar = body.takeBottom(1) }
    input = body.takeBottom(1)
    if !wish.isInCall {
      arrangeChat(body, wish)
    } else if columns >= 100, columns > 2 * rows {
      arrangeSideBySide(body, wish)
    } else {
      arrangeStacked(body, wish)
    }
  }

  private mutating func arrangeChat(_ body: Rect, _ wish: Wish) {
    var body = body
    if columns >= 48 {
      users = body.takeRight(min(max(columns / 5, 16), 26))
      dividers.append(body.takeRight(1))
      chat = body
    } else if wish.isListFocused {
      users = body
    } else {
      chat = body
    }
  }

  private mutating func arrangeStacked(_ body: Rect, _ wish: Wish) {
    var body = body
    var lower = body.takeBottom(rows < 14 ? 2 : rows < 20 ? 4 : max(6, rows / 4))
    callBar = body.takeBottom(1)
    if wish.showsStatistics {
      if columns >= 76 {
        statistics = lower.takeRight(columns / 2)
        dividers.append(lower.takeRight(1))
      } else {
        statistics = lower.takeBottom(lower.rows)
      }
    }
    if columns >= 60 {
      users = body.takeRight(min(max(columns / 5, 16), 22))
      dividers.append(body.takeRight(1))
      chat = lower
    } else if wish.isListFocused, statistics.isEmpty {
      users = lower
    } else {
      chat = lower
    }
    picture = body
  }

  private mutating func arrangeSideBySide(_ body: Rect, _ wish: Wish) {
    var body = body
    callBar = body.takeBottom(1)
    // Cells are about twice as high as wide; most cameras give 4:3.
    let ideal = body.rows * 8 / 3
    var side = body.takeRight(min(max(columns - 1 - ideal, 36), columns / 2))
    dividers.append(body.takeRight(1))
    picture = body
    users = side.takeTop(min(wish.userCount + 1, max(4, side.rows / 4)))
    if wish.showsStatistics { statistics = side.takeBottom(min(13, side.rows / 2)) }
    chat = side
  }
}
