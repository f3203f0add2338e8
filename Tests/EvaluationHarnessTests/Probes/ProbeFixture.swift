import DenseHeads
import Foundation
import ImageFiles
import JSONText
import SafeFiles
import TensorCore
import Testing

@testable import EvaluationHarness

/// Drawn features and what scikit-learn and PyTorch made of them: `Tests/Fixtures/probes`.
struct ProbeFixture {
    static let classCount = 5
    static let width = 12
    /// Patches a side of a picture, and pixels a side of a patch.
    static let grid = 6
    static let patch = 4

    let json: JSONValue

    init() throws {
        let folder = try #require(SourceCheckout.folder)
        let file = "\(folder)/Tests/Fixtures/probes/probes.json"
        json = try JSONValue.parse(FileBytes.read(file, limit: 1 << 22), file: file)
    }

    static func doubles(_ value: JSONValue?) throws -> [Double] {
        try #require(value?.array).map { try #require($0.double) }
    }

    static func ints(_ value: JSONValue?) throws -> [Int] {
        try #require(value?.array).map { Int(try #require($0.int)) }
    }

    func tokens(_ name: String) throws -> Tensor {
        let values = try Self.doubles(json[name]).map { Float($0) }
        return Tensor(values, [values.count / Self.width, Self.width])
    }

    func pixels(_ name: String) throws -> PatchPixels {
        let values = try Self.ints(json[name]).map { UInt16($0) }
        var pixels = PatchPixels(pixelsPerPatch: Self.patch * Self.patch, ignoreLabel: 255)
        // One column of patches, each four by four.
        pixels.append(
            map: values, height: values.count / Self.patch, width: Self.patch,
            grid: (values.count / (Self.patch * Self.patch), 1))
        return pixels
    }

    /// The memory as labelled pictures; the first three rows and five columns of each are ignored.
    func set() throws -> ProbeSet {
        let tokens = try tokens("memory")
        let pixels = try pixels("memory_pixels").values
        let (grid, patch) = (Self.grid, Self.patch)
        let (side, perPicture) = (grid * patch, grid * grid)
        let pictures = tokens.shape[0] / perPicture
        return ProbeSet(
            store: TokenStore(tokens.reshaped([pictures, perPicture, Self.width])), inputs: Array(0..<pictures),
            grid: (grid, grid), side: side, classCount: Self.classCount, ignoreLabel: 255
        ) { picture in
            var map = LabelImage(height: side, width: side, values: [UInt16](repeating: 255, count: side * side))
            for y in 0..<side {
                for x in 0..<side where y >= 3 || x >= 5 {
                    let cell = picture * perPicture + y / patch * grid + x / patch
                    map.values[y * side + x] = pixels[cell * patch * patch + y % patch * patch + x % patch]
                }
            }
            return map
        }
    }

    /// Value i of the k-th parameter: 0.01 sin(0.7 i + k).
    static func wave(_ shape: [Int], _ k: Double) -> Tensor {
        Tensor((0..<shape.reduce(1, *)).map { Float(0.01 * sin(0.7 * Double($0) + k)) }, shape)
    }
}
