// swift-tools-version: 6.1
import PackageDescription

// A package of its own: what is fuzzed is compiled with instruments for coverage, and nobody else needs that. Started by
// `Tests/Fuzz/run`, which says where the toolchain keeps libFuzzer.
let library = Context.environment["LIBFUZZER"] ?? "libFuzzer-is-missing--start-this-with-Tests-Fuzz-run.a"
let instrumented: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .unsafeFlags(["-sanitize=fuzzer", "-enable-testing"]),
]

let package = Package(
  name: "glyphone-fuzz",
  dependencies: [
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
  ],
  targets: [
    .systemLibrary(name: "COpenSSL", path: "Sources/COpenSSL", pkgConfig: "openssl"),
    .target(name: "CFuzzer"),
    // The room without its drivers.
    .target(
      name: "ICE",
      dependencies: [
        "COpenSSL", .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "DequeModule", package: "swift-collections"),
      ],
      sources: [
        "STUN", "TURN", "Agent", "Candidates", "Transport", "EarliestDeadline.swift", "TransportAddress.swift",
        "Sockets/ICEServer.swift", "Sockets/Netlink.swift", "MDNS/DNSMessage.swift",
      ],
      swiftSettings: instrumented),
    .executableTarget(
      name: "fuzz", dependencies: ["ICE", "CFuzzer", .product(name: "NIOCore", package: "swift-nio")],
      path: "Sources/Fuzz", swiftSettings: instrumented,
      linkerSettings: [.unsafeFlags([library]), .linkedLibrary("stdc++")]),
  ],
  swiftLanguageModes: [.v6]
)
