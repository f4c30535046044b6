// swift-tools-version: 6.2
import PackageDescription

// Optimized C also in debug builds: unit tests run real kernels. Rounding is part of the contract
// (NF4 must equal bitsandbytes bit for bit), so the compiler never fuses a multiply with an add.
// The third-level instruction set is used in its full width where there is one. Loops begin at cache
// lines: where they happen to lie otherwise moves the speed of a step by up to a tenth (Zen 3).
#if arch(x86_64)
  let vectorFlags = ["-mprefer-vector-width=512"]
#else
  let vectorFlags: [String] = []
#endif
let kernelFlags: [CSetting] = [
  .unsafeFlags(
    [
      "-O3", "-ffp-contract=off", "-fno-math-errno", "-falign-functions=64", "-falign-loops=64",
    ] + vectorFlags)
]

// One release build serves users and tests: `make test` drives the very binary that is installed.
let swiftFlags: [SwiftSetting] = [
  .unsafeFlags(["-enable-testing"]),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: swiftFlags)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(
    name: name, dependencies: dependencies + ["TestSupport"], swiftSettings: swiftFlags)
}

let package = Package(
  name: "finetune",
  products: [.executable(name: "finetune", targets: ["finetune"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    .systemLibrary(name: "CHDF5", pkgConfig: "hdf5", providers: [.apt(["libhdf5-dev"])]),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CPCRE2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),
    .systemLibrary(
      name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),

    .target(
      name: "CKernels", cSettings: kernelFlags + [.headerSearchPath(".")]),
    library("Formats", ["CCrypto", "CHDF5"]),
    library("Hub", ["Formats", "CCurl"]),
    library("Tensors", ["CKernels"]),
    library("Text", ["Formats", "CPCRE2"]),
    library("Model", ["Tensors", "Formats"]),
    library("Rows", ["Text", "CZlib", "CZstd"]),
    library("Recipes", ["Rows", "Tensors"]),
    library("Export", ["Model", "Text"]),
    library("Training", ["Model", "Recipes", "Rows"]),
    .executableTarget(
      name: "finetune",
      dependencies: [
        "Export", "Hub", "Training",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: swiftFlags),

    .target(name: "CPeaks", path: "Benchmarks/CPeaks", cSettings: kernelFlags),
    .executableTarget(
      name: "finetune-bench",
      dependencies: [
        "Training", "CPeaks", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Benchmarks/Bench", swiftSettings: swiftFlags),

    .target(
      name: "TestSupport", dependencies: ["Formats"], path: "Tests/TestSupport",
      swiftSettings: swiftFlags),
    tests("FormatsTests", ["Formats"]),
    tests("HubTests", ["Hub"]),
    tests("TensorsTests", ["Tensors"]),
    tests("TextTests", ["Text"]),
    tests("ModelTests", ["Model", "Training"]),
    tests("RowsTests", ["Rows", "CZlib", "CZstd"]),
    tests("RecipesTests", ["Recipes"]),
    tests("TrainingTests", ["Training"]),
    tests("ExportTests", ["Export"]),
    tests("EndToEndTests", ["Formats"]),
  ]
)
