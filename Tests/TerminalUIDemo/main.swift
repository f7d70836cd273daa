// The front end on a controller that is only played: `ui-demo [SCRIPT-PIPE [JOURNAL]] [--render MODE]`. Lines written to
// the pipe become events; the front end's commands are appended to the journal. Without arguments it plays a little scene.
import Glibc
import Picture
import TerminalUI

Demo.main()
