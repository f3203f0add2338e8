import CheckpointIO
import DenseMetrics
import Reporting
import SafeFiles
import TensorCore
import TestSupport
import Testing

@testable import EvaluationHarness

@Suite("Evidence of runs") struct RunEvidenceTests {
    @Test("files read back to the same metrics, classes and images, with equal bytes for equal evidence")
    func roundTrip() throws {
        try withTemporaryFolder { folder in
            for evidence in [
                EvidenceFixture.segmentation(quality: 0.8),
                EvidenceFixture.classification(hits: (0..<25).map { $0 % 4 != 0 }),
            ] {
                let path = folder + "/e.safetensors"
                try evidence.write(to: path)
                let back = try RunEvidence.load(path)
                let bootstrap = Bootstrap(drawCount: 100, seed: 3)
                #expect(back.content.metrics(bootstrap: bootstrap) == evidence.content.metrics(bootstrap: bootstrap))
                #expect(back.images == evidence.images && back.classes == evidence.classes)
                #expect(back.content.classSupport() == evidence.content.classSupport())
                #expect(back.imageCSV == evidence.imageCSV)
                try back.write(to: folder + "/again.safetensors")
                #expect(
                    try FileBytes.read(path, limit: 1 << 24)
                        == FileBytes.read(folder + "/again.safetensors", limit: 1 << 24))
                try back.check(against: RunRecord(EvidenceFixture.draft(evidence)), file: path)
            }
        }
    }

    @Test("the oracle of patches is part of the evidence")
    func oracle() throws {
        try withTemporaryFolder { folder in
            let names = EvidenceFixture.names(8)
            func counted(_ quality: Double) throws -> SegmentationEvaluation {
                try #require(
                    EvidenceFixture.segmentation(images: 8, quality: quality).content as? SegmentationEvidence
                ).evaluation
            }
            let evidence = RunEvidence(
                images: names, classes: (0..<6).map { "\($0)" },
                SegmentationEvidence(evaluation: try counted(0.6), oracle: try counted(0.95)))
            try evidence.write(to: folder + "/e")
            let back = try RunEvidence.load(folder + "/e")
            let metrics = back.content.metrics(bootstrap: nil)
            #expect(metrics == evidence.content.metrics(bootstrap: nil) && metrics.last?.name == "mIoU_patch_oracle")
            #expect(metrics.last?.value ?? 0 > metrics[0].value ?? 1)
            let sampler = back.content.sampler()
            #expect(sampler.values([UInt64](repeating: 1, count: 8)).count == 10 + 6 && sampler.metrics.count == 10)
        }
    }

    @Test("damaged files are refused with the tensor's name")
    func damage() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/e.safetensors"
            let evidence = EvidenceFixture.segmentation(images: 6, quality: 0.7)
            try evidence.write(to: path)
            let whole = try FileBytes.read(path, limit: 1 << 24)
            for length in [0, 7, 40, whole.count / 2, whole.count - 1] {
                try AtomicFile.write(Array(whole[..<length]), to: path)
                let error = #expect(throws: DataError.self) { try RunEvidence.load(path) }
                #expect(error?.kind == .malformed)
            }
            func refused(_ columns: [EvidenceColumn], _ metadata: [String: String] = [:]) throws -> String? {
                var all: [String: String] = [
                    "kind": "segmentation", "schema_version": "1", "image_list_sha256": evidence.imageListHash,
                    "metric": "",
                ]
                for (key, value) in metadata { all[key] = value }
                try EvidenceFile.write(columns, metadata: all, to: path)
                return #expect(throws: DataError.self) { try RunEvidence.load(path) }?.record
            }
            func names(_ list: [String]) -> [UInt8] {
                Array("[\(list.map { "\"\($0)\"" }.joined(separator: ","))]".utf8)
            }
            func columns(_ change: (inout [EvidenceColumn]) -> Void) -> [EvidenceColumn] {
                var columns =
                    [
                        EvidenceColumn("images", names(evidence.images)),
                        EvidenceColumn("classes", names(evidence.classes)),
                    ] + evidence.content.columns()
                change(&columns)
                return columns
            }
            func replace(_ name: String, _ column: EvidenceColumn) -> [EvidenceColumn] {
                columns { list in list[list.firstIndex { $0.name == name }!] = column }
            }
            let rows = evidence.content.columns()[0].shape[0]
            #expect(try refused(columns { _ in }, ["kind": "poetry"]) == "metadata 'kind'")
            #expect(try refused(columns { _ in }, ["schema_version": "3"]) == "metadata 'schema_version'")
            #expect(try refused(columns { _ in }, ["image_list_sha256": "0"]) == "images")
            #expect(try refused(columns { $0.append(EvidenceColumn("more", [UInt8(1)])) }) == "more")
            #expect(try refused(columns { $0.removeLast() }) == "counts.unclassified")
            // Other counts of images, other types, other values than can be.
            #expect(
                try refused(
                    replace(
                        "counts.unclassified", EvidenceColumn("counts.unclassified", [UInt64](repeating: 0, count: 5))))
                    == "counts.unclassified")
            #expect(
                try refused(
                    replace("counts.class", EvidenceColumn("counts.class", [UInt64](repeating: 0, count: rows))))
                    == "counts.class")
            #expect(
                try refused(
                    replace("counts.class", EvidenceColumn("counts.class", [UInt32](repeating: 6, count: rows))))
                    == "counts.class")
            #expect(
                try refused(
                    replace("counts.image", EvidenceColumn("counts.image", [UInt32](repeating: 9, count: rows))))
                    == "counts.image")
            #expect(
                try refused(
                    replace(
                        "counts.intersection",
                        EvidenceColumn("counts.intersection", [UInt64](repeating: .max, count: rows))))
                    == "counts.intersection")
        }
    }

    @Test("one changed bit anywhere, or a cut, is found")
    func changedBits() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/e.safetensors"
            for evidence in [
                EvidenceFixture.segmentation(images: 6, quality: 0.7),
                EvidenceFixture.classification(hits: (0..<25).map { $0 % 4 != 0 }),
            ] {
                try evidence.write(to: path)
                let whole = try FileBytes.read(path, limit: 1 << 24)
                func kind(of bytes: [UInt8]) throws -> DataError.Kind? {
                    try AtomicFile.write(bytes, to: path, durability: .renamed)
                    do throws(DataError) {
                        _ = try RunEvidence.load(path)
                        return nil
                    } catch { return error.kind }
                }
                #expect(try kind(of: whole) == nil)
                for (damage, bytes) in DamagedBytes(whole) {
                    #expect(try kind(of: bytes) == .malformed, "\(damage)")
                }
            }
        }
    }

    @Test("evidence beside the record of another run is refused")
    func otherRun() throws {
        try withTemporaryFolder { folder in
            let run = try EvidenceFixture.write(EvidenceFixture.segmentation(quality: 0.8), to: folder + "/a")
            #expect(try FinishedRun(run).evidence != nil)
            #expect(try FinishedRun(run + "/").record == FinishedRun(run + "/run.json").record)
            for other in [
                EvidenceFixture.segmentation(quality: 0.7), EvidenceFixture.segmentation(images: 39, quality: 0.8),
                EvidenceFixture.classification(hits: [Bool](repeating: true, count: 40)),
            ] {
                try other.write(to: run + "/evidence.safetensors")
                let error = #expect(throws: DataError.self) { try FinishedRun(run) }
                #expect(error?.kind == .malformed && error?.file.hasSuffix("evidence.safetensors") == true)
            }
        }
    }

    @Test("a run folder without a record says what it is")
    func unfinished() throws {
        try withTemporaryFolder { folder in
            try write("interrupted\n", to: folder + "/run/STATUS")
            let error = #expect(throws: DataError.self) { try FinishedRun(folder + "/run") }
            #expect(error?.kind == .missing && error?.found == "a run that is interrupted")
            #expect(#expect(throws: DataError.self) { try FinishedRun(folder + "/none") }?.kind == .missing)
        }
    }
}
