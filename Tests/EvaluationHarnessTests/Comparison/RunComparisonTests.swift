import JSONText
import Reporting
import SafeFiles
import Testing

@testable import EvaluationHarness

@Suite("Comparing runs") struct RunComparisonTests {
    private func runs(_ folder: String, _ qualities: [Double], images: Int = 120) throws -> [FinishedRun] {
        try qualities.enumerated().map { index, quality in
            try FinishedRun(
                try EvidenceFixture.write(
                    EvidenceFixture.segmentation(images: images, quality: quality, noise: UInt64(index)),
                    to: "\(folder)/run-\(index)", arm: "arm \(index)"))
        }
    }

    @Test("a better run is better, the other way round worse, and a run against itself shows nothing")
    func verdicts() throws {
        try withTemporaryFolder { folder in
            let runs = try runs(folder, [0.7, 0.8])
            func verdict(_ first: FinishedRun, _ second: FinishedRun) throws -> ComparisonVerdict? {
                let rows = try RunComparison([first, second]).rows
                let row = try #require(rows.first { $0.name == "mIoU" })
                return row.differences[0]?.verdict(row.direction)
            }
            #expect(try verdict(runs[0], runs[1]) == .better)
            #expect(try verdict(runs[1], runs[0]) == .worse)
            #expect(try verdict(runs[0], runs[0]) == .noEvidence)
            func loss(_ value: Double) -> MetricValue {
                var metric = MetricValue(
                    name: "loss", value: value, unit: .number, direction: .lowerIsBetter, sampleCount: 9)
                metric.standardError = 0.01
                return metric
            }
            let more = ComparedDifference(try #require(UnpairedDifference(loss(0.5), loss(0.4))))
            #expect(more.verdict(.lowerIsBetter) == .worse && more.verdict(.higherIsBetter) == .better)
        }
    }

    @Test("differences of metrics are those of the records, and paired intervals narrower than unpaired ones")
    func pairing() throws {
        try withTemporaryFolder { folder in
            let runs = try runs(folder, [0.75, 0.76])
            let comparison = try RunComparison(runs)
            #expect(comparison.rows.count == runs[0].record.fields.metrics.count && comparison.left.isEmpty)
            for row in comparison.rows {
                let difference = try #require(row.differences[0])
                let values = row.values.compactMap(\.value)
                #expect(abs(difference.difference - (values[1] - values[0])) < 1e-12)
                #expect(difference.method.hasPrefix("paired bootstrap over images, 1000 draws"))
            }
            var options = RunComparison.Options()
            options.allowsUnpaired = true
            let bare = try runs.map { try FinishedRun($0.path, evidence: .none) }
            #expect(#expect(throws: DataError.self) { try RunComparison(bare) }?.kind == .configuration)
            let unpaired = try RunComparison(bare, options: options)
            #expect(unpaired.pairs[0].classes.isEmpty && unpaired.pairs[0].images == nil)
            let widths = try [comparison, unpaired].map { comparison in
                let interval = try #require(comparison.rows[0].differences[0]).interval
                return interval.upper - interval.lower
            }
            #expect(widths[0] < widths[1])
        }
    }

    @Test("classes and pictures are sorted by what they lost, and a class of few pictures shows nothing")
    func classesAndPictures() throws {
        try withTemporaryFolder { folder in
            let runs = try runs(folder, [0.8, 0.6])
            let pair = try RunComparison(runs).pairs[0]
            let column = try #require(pair.classes.first)
            #expect(column.name == "IoU" && column.rows.count == 6 && column.rows[0].images == 120)
            #expect(column.rows.allSatisfy { $0.difference?.verdict(.higherIsBetter) == .worse })
            let images = try #require(pair.images)
            #expect(images.worst.count == 5 && images.lost > images.gained)
            #expect(images.worst.map(\.difference) == images.worst.map(\.difference).sorted())
            #expect(images.best.map(\.difference) == images.best.map(\.difference).sorted(by: >))
            #expect(images.lost + images.gained + images.equal == 120)
            // Four pictures: a sign test could not reach 0.05 either.
            #expect(PairedEvidence.signTestFloor(4) == 0.125 && PairedEvidence.signTestFloor(6) < 0.05)
            let few = try RunComparison(try self.runs(folder + "/few", [0.9, 0.5], images: 4)).pairs[0]
            #expect(few.classes[0].rows.allSatisfy { ($0.difference?.isEvident ?? false) == false })
        }
    }

    @Test("other protocols are refused, and mark every table when they are allowed")
    func protocols() throws {
        try withTemporaryFolder { folder in
            let first = try EvidenceFixture.write(EvidenceFixture.segmentation(quality: 0.7), to: folder + "/a")
            let second = try EvidenceFixture.write(
                EvidenceFixture.segmentation(quality: 0.7, noise: 1), to: folder + "/b"
            ) {
                $0.protocolFingerprint = ProtocolFingerprint(["input": "short side 128"])
            }
            let runs = try [first, second].map { try FinishedRun($0) }
            let error = #expect(throws: DataError.self) { try RunComparison(runs) }
            #expect(error?.kind == .configuration && error?.found == "input short side 128 against short side 64")
            var options = RunComparison.Options()
            options.allowsDifferentProtocols = true
            let comparison = try RunComparison(runs, options: options)
            var tables = 0
            for section in comparison.report.sections {
                #expect(section.blocks.contains { if case .warning = $0 { true } else { false } })
                for case .table(let table) in section.blocks {
                    tables += 1
                    #expect(table.caption.hasPrefix("DIFFERENT PROTOCOLS"))
                }
            }
            #expect(tables >= 4 && comparison.json["different_protocols"]?.bool == true)
        }
    }

    @Test("several runs against the first are corrected for their number")
    func holm() throws {
        try withTemporaryFolder { folder in
            let runs = try runs(folder, [0.75, 0.75, 0.75, 0.8])
            let comparison = try RunComparison(runs)
            for row in comparison.rows {
                let found = row.differences.compactMap(\.self)
                #expect(found.count == 3 && found.allSatisfy { $0.adjustedP >= $0.pValue })
                #expect(found.map(\.adjustedP) == PairedSeeds.holm(found.map(\.pValue)))
            }
            #expect(comparison.labels == ["arm 0", "arm 1", "arm 2", "arm 3"])
            #expect(comparison.json["comparisons"]?.array?.count == 3)
            let text = TerminalRenderer().render(comparison.report)
            #expect(text.contains("Holm's over the runs") && text.contains("arm 3"))
            #expect(HTMLRenderer().render(comparison.report).contains("</html>"))
        }
    }

    @Test("other images and other kinds of evidence cannot be paired, which is said")
    func obstacles() throws {
        let a = EvidenceFixture.segmentation(images: 10, quality: 0.5)
        #expect(PairedEvidence.obstacle(a, EvidenceFixture.segmentation(images: 10, quality: 0.9, noise: 3)) == nil)
        #expect(PairedEvidence.obstacle(a, nil)?.contains("evidence.safetensors") == true)
        #expect(
            PairedEvidence.obstacle(a, EvidenceFixture.segmentation(images: 11, quality: 0.5))?.contains("images")
                == true)
        #expect(
            PairedEvidence.obstacle(a, EvidenceFixture.classification(hits: [true, false]))?
                .contains("segmentation and of classification") == true)
        #expect(
            PairedEvidence.obstacle(a, EvidenceFixture.segmentation(images: 10, classes: 5, quality: 0.5))
                == "other classes")
    }

    @Test("shares of hits pair too")
    func hits() throws {
        let bootstrap = Bootstrap(drawCount: 400)
        let good = EvidenceFixture.classification(hits: (0..<200).map { $0 % 5 != 0 })
        let bad = EvidenceFixture.classification(hits: (0..<200).map { $0 % 5 > 1 })
        let paired = PairedEvidence(good, minus: bad, bootstrap)
        let found = try #require(paired.metrics.first { $0.name == "top1" }?.difference)
        #expect(abs(found.difference - 0.2) < 1e-12 && found.verdict(.higherIsBetter) == .better)
        #expect(paired.classes[0].rows.map(\.name) == ["left", "right"])
    }

    @Test("groups of seeds get means, a t test over seeds, and are refused where seeds differ")
    func seeds() throws {
        try withTemporaryFolder { folder in
            var groups: [[FinishedRun]] = []
            for (g, quality) in [0.7, 0.8].enumerated() {
                groups.append(
                    try (0..<3).map { s in
                        try FinishedRun(
                            try EvidenceFixture.write(
                                EvidenceFixture.segmentation(quality: quality, noise: UInt64(10 * g + s)),
                                to: "\(folder)/\(g)-\(s)", arm: "arm \(g)", seed: UInt64(s)))
                    })
            }
            // The order within a group does not matter: seeds are matched.
            let comparison = try SeedComparison([groups[0], groups[1].reversed()], allowsDifferentProtocols: false)
            let row = try #require(comparison.rows.first { $0.name == "mIoU" })
            let values = groups.map { $0.map { $0.record.metric("mIoU")!.value! } }
            #expect(row.summaries[1] == SeedSummary(values[1]))
            #expect(row.differences[0]?.found == PairedSeeds(values[1], values[0]))
            #expect(comparison.labels == ["arm 0", "arm 1"] && comparison.seeds == [0, 1, 2])
            #expect(TerminalRenderer().render(comparison.report).contains("not for other images"))
            // Records without seeds of their own are paired as they are given, if they are of different checkpoints.
            func unnamed(_ checkpoints: [String], _ arm: String) throws -> [FinishedRun] {
                try checkpoints.enumerated().map { index, digit in
                    try FinishedRun(
                        try EvidenceFixture.write(
                            EvidenceFixture.segmentation(quality: 0.7, noise: UInt64(index)),
                            to: "\(folder)/\(arm)-\(index)",
                            arm: arm
                        ) { $0.checkpoint = FileDigest(name: "s", sha256: String(repeating: digit, count: 64)) })
                }
            }
            let given = try SeedComparison(
                [unnamed(["1", "2"], "x"), unnamed(["3", "4"], "y")], allowsDifferentProtocols: false)
            #expect(given.seeds.isEmpty && given.runCount == 2)
            #expect(TerminalRenderer().render(given.report).contains("in the order given"))
            #expect(throws: DataError.self) {
                try SeedComparison(
                    [unnamed(["1", "1"], "v"), unnamed(["3", "4"], "w")], allowsDifferentProtocols: false)
            }
            for bad in [
                [groups[0], Array(groups[1].dropLast())], [groups[0], [groups[1][0], groups[1][0], groups[1][1]]],
                [groups[0]], [[groups[0][0]], [groups[1][0]]],
            ] {
                #expect(throws: DataError.self) { try SeedComparison(bad, allowsDifferentProtocols: false) }
            }
        }
    }
}
