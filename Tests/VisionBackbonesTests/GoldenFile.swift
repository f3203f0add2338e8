import CheckpointIO
import Foundation
import TensorCore

/// The tensors of a file below `Tests/Fixtures/vit`, made by the `generate.py` beside it.
func golden(_ name: String) throws -> [String: Tensor] {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    return try Safetensors.load(tests.appendingPathComponent("Fixtures/vit/\(name).safetensors").path).tensors
}
