// swift-tools-version: 6.1
import PackageDescription

// A package of its own, so that a user never builds it: `make bench` runs everything, `make bench ARGS=call` one part.
let package = Package(
  name: "glyphone-benchmarks",
  dependencies: [
    .package(name: "glyphone", path: ".."),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
  ],
  targets: [
    .target(name: "CAllocationCounter"),
    .target(name: "CRawDatagrams"),
    .executableTarget(
      name: "bench",
      dependencies: [
        "CAllocationCounter", "CRawDatagrams",
        .product(name: "Frames", package: "glyphone"),
        .product(name: "ICE", package: "glyphone"),
        .product(name: "Picture", package: "glyphone"),
        .product(name: "RTP", package: "glyphone"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: [.enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility")]),
  ],
  swiftLanguageModes: [.v6]
)
