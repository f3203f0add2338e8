import SafeFiles
import TensorCore
import TestSupport
import Testing

@testable import EvaluationHarness

@Suite struct FeatureShardsTests {
    @Test("features on disk: one changed bit anywhere, or a cut, is found")
    func damage() throws {
        try withTemporaryFolder { folder in
            func shards() throws -> FeatureShards {
                try FeatureShards(count: 3, folder: folder, key: { "a key" }) { range in
                    Tensor((0..<range.count * 8).map { Float($0) * 0.37 }, [range.count, 2, 4])
                }
            }
            let values = try shards().features(of: 0).floats()
            let own = try #require(try Folder.entries(folder).first)
            let path = "\(folder)/\(own)/00000.safetensors"
            let whole = try FileBytes.read(path, limit: 1 << 20)
            func kind(of bytes: [UInt8]) throws -> DataError.Kind? {
                try AtomicFile.write(bytes, to: path, durability: .renamed)
                do {
                    #expect(try shards().features(of: 0).floats() == values)
                    return nil
                } catch let error as DataError { return error.kind }
            }
            #expect(try kind(of: whole) == nil)
            for (damage, bytes) in DamagedBytes(whole) {
                #expect(try kind(of: bytes) == .malformed, "\(damage)")
            }
        }
    }
}
