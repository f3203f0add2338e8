import CheckpointIO
import EvaluationHarness
import Foundation
import ImageFiles
import NeuralLayers
import TensorCore
import VisionBackbones

/// A tiny ViT on disk and a folder of pictures, drawn by code.
struct InspectionFixture {
    let folder: String
    let model: VisionTransformer
    var images: String { folder + "/images" }

    init(_ folder: String) throws {
        self.folder = folder
        model = VisionTransformer(
            ViTConfiguration(imageSize: 16, patchSize: 8, width: 64, depth: 2, headCount: 1), seed: 4)
        try FileManager.default.createDirectory(atPath: images, withIntermediateDirectories: true)
        for (name, height, width) in [("a.png", 16, 16), ("b.png", 20, 31), ("c.png", 16, 16)] {
            try Self.write(Self.picture(height, width, salt: name.utf8.first!), to: "\(images)/\(name)")
        }
    }

    static func write(_ picture: Picture, to path: String) throws {
        try Data(PNGFile.encode(picture)).write(to: URL(fileURLWithPath: path))
    }

    static func picture(_ height: Int, _ width: Int, salt: UInt8) -> Picture {
        Picture(
            height: height, width: width,
            pixels: (0..<height * width * 3).map { UInt8(truncatingIfNeeded: $0 * 37 + Int(salt) * ($0 % 11)) })
    }

    /// Writes the model's state under `prefix` beside other tensors.
    func checkpoint(
        _ name: String, prefix: String = "", extra: [String: Tensor] = [:], metadata: [String: String] = [:]
    ) throws -> String {
        var tensors = extra
        for (key, value) in model.state() { tensors[prefix + key] = value }
        let path = "\(folder)/\(name).safetensors"
        try Safetensors.write(tensors, metadata: metadata, to: path)
        return path
    }

    func session(json: Bool = false) throws -> CommandSession {
        var options = CommandSession.Options()
        options.isQuiet = true
        options.printsJSON = json
        return try CommandSession(options)
    }
}
