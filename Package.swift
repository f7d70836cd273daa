// swift-tools-version: 6.1
import PackageDescription

// The rooms, floor by floor, are described in docs/architecture.md. An arrow only ever points down.

let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioConcurrency = Target.Dependency.product(name: "NIOConcurrencyHelpers", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioWebSocket = Target.Dependency.product(name: "NIOWebSocket", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let collections = Target.Dependency.product(name: "DequeModule", package: "swift-collections")

func room(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
  .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict)
}

func tests(_ room: String, _ more: [Target.Dependency] = [], resources: [Resource] = []) -> Target {
  .testTarget(
    name: "\(room)Tests", dependencies: [.byName(name: room)] + more, resources: resources, swiftSettings: strict)
}

func library(_ name: String, pkgConfig: String?, apt: String) -> Target {
  .systemLibrary(name: name, path: "Sources/CSystem/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}

let package = Package(
  name: "glyphone",
  products: [
    .executable(name: "glyphone", targets: ["glyphone"]),
    .executable(name: "glyphone-server", targets: ["glyphone-server"]),
    .library(name: "Frames", targets: ["Frames"]),
    .library(name: "PeerConnection", targets: ["PeerConnection"]),
    .library(name: "Picture", targets: ["Picture"]),
    .library(name: "Signaling", targets: ["Signaling"]),
    .library(name: "ICE", targets: ["ICE"]),
    .library(name: "RTP", targets: ["RTP"]),
    .library(name: "SDP", targets: ["SDP"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
  ],
  targets: [
    // Ground floor: C libraries, and what a frame is.
    // Its pkg-config file has flags that SwiftPM refuses, and says nothing else.
    library("CNcurses", pkgConfig: nil, apt: "libncurses-dev"),
    .target(name: "CTerminalGuard", path: "Sources/CSystem/CTerminalGuard"),
    .target(name: "CDatagrams", path: "Sources/CSystem/CDatagrams"),
    .target(name: "CSamples", path: "Sources/CSystem/CSamples"),
    library("CV4L2", pkgConfig: "libv4l2", apt: "libv4l-dev"),
    library("CALSA", pkgConfig: "alsa", apt: "libasound2-dev"),
    library("CVPX", pkgConfig: "vpx", apt: "libvpx-dev"),
    library("COpus", pkgConfig: "opus", apt: "libopus-dev"),
    library("CSRTP", pkgConfig: "libsrtp2", apt: "libsrtp2-dev"),
    library("COpenSSL", pkgConfig: "openssl", apt: "libssl-dev"),
    library("CYUV", pkgConfig: nil, apt: "libyuv-dev"),
    library("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),
    library("CMalloc", pkgConfig: nil, apt: "libc6-dev"),
    room("Frames", [nio, nioConcurrency]),

    // Pure rooms: bytes and times in, bytes and events out.
    room("SDP", []),
    room("RTP", ["Frames", nio, collections]),
    room("Picture", ["Frames", "CSamples", "CZlib"]),

    // Rooms with one thin driver each.
    room("ICE", [nio, nioPosix, nioTLS, nioSSL, logging, collections, "COpenSSL", "CDatagrams"]),
    room("Signaling", [nio, nioPosix, nioHTTP1, nioWebSocket, nioSSL, logging]),
    room("Media", ["Frames", nio, logging, "CV4L2", "CALSA", "CVPX", "COpus", "CYUV"]),
    room(
      "PeerConnection", ["Frames", "SDP", "RTP", "ICE", nio, nioPosix, logging, collections, "COpenSSL", "CSRTP"]),

    // Where they meet.
    room(
      "Calling",
      [
        "Frames", "Signaling", "Media", "PeerConnection", "ICE", "RTP", "SDP", "CMalloc", nio, nioConcurrency, logging,
        collections,
      ]),
    room("ChatServer", ["Signaling", "ICE", nio, nioPosix, nioSSL, logging, lifecycle, collections, "COpenSSL"]),
    room("TerminalUI", ["Frames", "Calling", "Picture", nio, nioConcurrency, "CNcurses", "CTerminalGuard"]),

    .executableTarget(
      name: "glyphone",
      dependencies: [
        "TerminalUI", "Picture", "Frames", "Calling", "ChatServer", "Signaling", "Media", "PeerConnection", "ICE", nio,
        nioPosix, nioConcurrency, logging, arguments, lifecycle,
      ], swiftSettings: strict),
    .executableTarget(
      name: "glyphone-server",
      dependencies: ["ChatServer", nioPosix, logging, arguments, lifecycle, unixSignals], swiftSettings: strict),
    // The server's WebSocket pipeline with an echo on top, for conformance tests only.
    .executableTarget(
      name: "websocket-echo", dependencies: ["Signaling", nio, nioPosix],
      path: "Tests/WebSocketEcho", swiftSettings: strict),
    // The terminal front end on a played controller, for tests of what it does to a terminal.
    .executableTarget(
      name: "ui-demo", dependencies: ["TerminalUI", "Calling", "Picture", "Frames", nio], path: "Tests/TerminalUIDemo",
      swiftSettings: strict),
    // Media's drivers on real devices, for the machine that Tests/Devices/run starts.
    .executableTarget(
      name: "media-probe", dependencies: ["Media", "Frames", nio], path: "Tests/Devices/Probe", swiftSettings: strict),
    // ICE with its driver and nothing on top, for tests against other implementations.
    .executableTarget(
      name: "ice-probe", dependencies: ["ICE", nio, nioPosix, logging], path: "Tests/EndToEnd/ice/Probe",
      swiftSettings: strict),

    // Tests: one target per room, and what they share.
    .target(name: "CSamplesBaseline", dependencies: ["CSamples"], path: "Tests/SamplesBaseline"),
    .target(
      name: "TestSupport", dependencies: ["Frames", "ICE", "COpenSSL", nio], path: "Tests/Support",
      swiftSettings: strict),
    tests("SDP", ["TestSupport"], resources: [.copy("Fixtures")]),
    tests("RTP", ["TestSupport", "Frames", nio]),
    .target(name: "CThreadAllocations", path: "Tests/AllocationCounter"),
    tests("Picture", ["TestSupport", "CThreadAllocations", "CSamples", "CSamplesBaseline", "Frames", "CZlib"]),
    tests("ICE", ["TestSupport", nio, nioPosix, nioEmbedded, nioSSL, logging]),
    tests("Signaling", ["TestSupport", nio, nioPosix, nioEmbedded, nioWebSocket, logging]),
    tests("Media", ["TestSupport", "Frames", nio], resources: [.copy("Fixtures")]),
    tests("PeerConnection", ["TestSupport", "Frames", "SDP", "RTP", "ICE", nio, nioPosix]),
    tests("ChatServer", ["Signaling", nio, nioPosix, nioSSL, logging, lifecycle]),
    tests(
      "Calling",
      [
        "TestSupport", "Frames", "Signaling", "ChatServer", "Media", "PeerConnection", "ICE", nio, nioConcurrency,
        nioPosix, logging,
      ]),
    .testTarget(
      name: "GlyphoneTests", dependencies: ["glyphone", "TerminalUI", "Picture", "ICE", nio, arguments],
      swiftSettings: strict),
    tests("TerminalUI", ["TestSupport", "Frames", "Calling", "Picture", nio, nioConcurrency]),
  ],
  swiftLanguageModes: [.v6]
)
