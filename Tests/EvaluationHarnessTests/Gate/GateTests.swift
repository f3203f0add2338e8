import JSONText
import Reporting
import SafeFiles
import Testing

@testable import EvaluationHarness

@Suite("The gate") struct GateTests {
    private func session() throws -> CommandSession {
        var options = CommandSession.Options()
        options.isQuiet = true
        return try CommandSession(options)
    }

    private static let rules = """
        # kept as it is
        kind: gate
        record: base.run.json
        evidence: base.evidence.safetensors
        metrics:
          mIoU: {max_drop: 0.01, evident: true}
          "mIoU_*": {informational: true}
          aAcc: {floor: 0.5}
        default: {informational: true}

        """

    /// A baseline in `folder`, with these rules.
    private func baseline(_ folder: String, _ rules: String = rules, quality: Double = 0.8) throws -> String {
        let file = folder + "/gate.yaml"
        try write(rules, to: file)
        let run = try EvidenceFixture.write(
            EvidenceFixture.segmentation(images: 100, quality: quality), to: folder + "/base")
        var gate = Gate(baseline: file, run: run)
        gate.updatesBaseline = true
        #expect(try gate.run(session()).passes)
        #expect(try text(of: file) == rules)
        return file
    }

    private func answer(
        _ file: String, _ run: String, _ change: (inout Gate) -> Void = { _ in }
    ) throws -> Gate.Answer {
        var gate = Gate(baseline: file, run: run)
        gate.draws = 400
        change(&gate)
        return try gate.run(session())
    }

    private func findings(_ answer: Gate.Answer) throws -> [(name: String, status: String, reasons: String)] {
        try #require(answer.document["findings"]?.array).map {
            (
                $0["metric"]?.string ?? "", $0["status"]?.string ?? "",
                ($0["reasons"]?.array ?? []).compactMap(\.string).joined(separator: "; ")
            )
        }
    }

    @Test("the baseline itself passes, a worse run fails with its numbers, a better one is called improved")
    func answers() throws {
        try withTemporaryFolder { folder in
            let file = try baseline(folder)
            #expect(try answer(file, folder + "/base").passes)
            let worse = try EvidenceFixture.write(
                EvidenceFixture.segmentation(images: 100, quality: 0.72, noise: 1), to: folder + "/worse")
            let no = try answer(file, worse)
            let found = try findings(no)
            #expect(!no.passes && found[0].name == "mIoU" && found[0].status == "failed")
            #expect(
                found[0].reasons.contains("more than max_drop 0.01") && found[0].reasons.contains("paired bootstrap"))
            #expect(found.filter { $0.status == "failed" }.count == 1)
            #expect(no.text.contains("gate closed: 1 of"))
            let better = try EvidenceFixture.write(
                EvidenceFixture.segmentation(images: 100, quality: 0.88, noise: 1), to: folder + "/better")
            let yes = try answer(file, better)
            let kept = try findings(yes)
            #expect(yes.passes && kept.contains { $0.name == "mIoU" && $0.status == "improved" })
        }
    }

    @Test("every kind of rule, and all offenders at once")
    func rules() throws {
        try withTemporaryFolder { folder in
            let file = try baseline(
                folder,
                """
                kind: gate
                record: a.json
                evidence: a.safetensors
                metrics:
                  mIoU: {max_drop: 0.5}
                  aAcc: {floor: 0.99}
                  mAcc: {max_relative_drop: 0.01}
                  fwIoU: {ceiling: 0.1}
                  mDice: {evident: true}
                  "mIoU_?": {informational: true}
                """)
            let worse = try EvidenceFixture.write(
                EvidenceFixture.segmentation(images: 100, quality: 0.7, noise: 1), to: folder + "/worse")
            let found = try findings(try answer(file, worse))
            let failed = found.filter { $0.status == "failed" }
            #expect(Set(failed.map(\.name)) == ["aAcc", "mAcc", "fwIoU", "mDice", "mIoU_?"])
            #expect(failed[0].name == "mIoU_?" && failed[0].reasons.contains("no metric of that name"))
            #expect(failed.first { $0.name == "mAcc" }?.reasons.contains("max_relative_drop 0.01") == true)
            #expect(failed.first { $0.name == "fwIoU" }?.reasons.contains("above the ceiling") == true)
            #expect(found.first { $0.name == "mIoU" }?.status == "passed")
            // No default: what no rule names is shown.
            #expect(found.first { $0.name == "mIoU_pairs" }?.status == "informational")
        }
    }

    @Test("a loss beyond the limit that the images explain is let pass, and said")
    func noise() throws {
        try withTemporaryFolder { folder in
            let rules = Self.rules.replacing("max_drop: 0.01", with: "max_drop: 0.00000001")
            let file = try baseline(folder, rules)
            for noise in 1...8 as ClosedRange<UInt64> {
                let other = EvidenceFixture.segmentation(images: 100, quality: 0.8, noise: noise)
                let run = try EvidenceFixture.write(other, to: "\(folder)/other-\(noise)")
                let first = try #require(try findings(try answer(file, run)).first { $0.name == "mIoU" })
                guard first.reasons.hasPrefix("let pass, no evidence") else { continue }
                #expect(first.status == "passed" && first.reasons.contains("95 % interval"))
                let lines = try answer(file, run) {
                    $0.annotatesGitHub = true; $0.environment = [:]
                }.annotations
                #expect(lines.contains { $0.hasPrefix("::warning title=dmt gate%3A mIoU::") })
                return
            }
            Issue.record("none of eight equal runs lost anything")
        }
    }

    @Test("undefined and missing metrics, other protocols, partial coverage and unfinished runs are failures")
    func unfit() throws {
        try withTemporaryFolder { folder in
            let file = try baseline(folder)
            let evidence = EvidenceFixture.segmentation(images: 100, quality: 0.8)
            func failed(_ name: String, withEvidence: Bool = false, _ change: (inout RunRecord.Draft) -> Void) throws
                -> [String]
            {
                let run = try EvidenceFixture.write(
                    evidence, to: "\(folder)/\(name)", withEvidence: withEvidence, change)
                let answer = try answer(file, run)
                #expect(!answer.passes)
                return try findings(answer).filter { $0.status == "failed" }.map { "\($0.name): \($0.reasons)" }
            }
            let undefined = try failed("undefined") {
                $0.metrics[0] = MetricValue(
                    name: "mIoU", value: .nan, unit: .fraction, direction: .higherIsBetter, sampleCount: 100)
            }
            #expect(undefined == ["mIoU: undefined: not a finite number"])
            let missing = try failed("missing") { $0.metrics.removeFirst() }
            #expect(missing == ["mIoU: the run has no such metric"])
            let other = try failed("protocol", withEvidence: true) {
                $0.protocolFingerprint = ProtocolFingerprint(["input": "short side 32"])
            }
            #expect(other.count == 1 && other[0].hasPrefix("protocol: not the baseline's protocol or data: input"))
            let partial = try failed("partial") {
                $0.dataset.scoredImages = 50
                $0.protocolFingerprint.set("image list", "50")
            }
            #expect(partial.count == 1 && partial[0].contains("50 of 100 images against all 100 images"))
            let unfinished = try EvidenceFixture.write(evidence, to: folder + "/unfinished")
            try AtomicFile.write("failed\n", to: unfinished + "/STATUS")
            #expect(try findings(try answer(file, unfinished))[0].reasons == "the run is failed, not done")
        }
    }

    @Test("without evidence the standard errors decide, and the answer says so")
    func unpaired() throws {
        try withTemporaryFolder { folder in
            let file = try baseline(folder, Self.rules.replacing("evidence: base.evidence.safetensors\n", with: ""))
            let worse = EvidenceFixture.segmentation(images: 100, quality: 0.5, noise: 1)
            let no = try answer(file, try EvidenceFixture.write(worse, to: folder + "/worse"))
            #expect(!no.passes && no.document["paired"]?.bool == false && no.text.contains("not paired"))
            #expect(try findings(no)[0].reasons.contains("unpaired"))
            // Nor standard errors: the limit alone decides.
            let bare = try answer(
                file,
                try EvidenceFixture.write(worse, to: folder + "/bare") { draft in
                    for index in draft.metrics.indices {
                        draft.metrics[index].standardError = nil
                        draft.metrics[index].errorMethod = nil
                        draft.metrics[index].interval = nil
                    }
                })
            #expect(!bare.passes)
            #expect(try findings(bare)[0].reasons.contains("the limit alone decides"))
        }
    }

    @Test("wrong rules are refused with key and suggestion")
    func wrongRules() throws {
        try withTemporaryFolder { folder in
            let file = folder + "/gate.yaml"
            func refused(_ text: String) throws -> DataError? {
                try write(text, to: file)
                return #expect(throws: DataError.self) { try GateRules(file: file) }
            }
            let head = "kind: gate\nrecord: a.json\n"
            #expect(try refused("kind: eval\nrecord: a\nmetrics: {mIoU: {floor: 0}}\n")?.record == "kind")
            #expect(try refused("kind: gate\nmetrics: {mIoU: {floor: 0}}\n")?.record == "record")
            let spelled = try refused(head + "metrics:\n  mIoU: {max_dorp: 0.1}\n")
            #expect(spelled?.record == "metrics.mIoU.max_dorp" && spelled?.remedy == "did you mean 'max_drop'?")
            #expect(try refused(head + "metrics:\n  mIoU: {max_drop: -1}\n")?.record == "metrics.mIoU.max_drop")
            #expect(try refused(head + "metrics:\n  mIoU: {max_drop: nan}\n")?.record == "metrics.mIoU.max_drop")
            #expect(try refused(head + "metrics:\n  mIoU: {}\n")?.found == "neither")
            #expect(try refused(head + "metrics:\n  mIoU: {informational: true, floor: 1}\n")?.found == "both")
            #expect(try refused(head + "metrics: {}\n")?.found == "none")
            #expect(try refused("kind: gate\nrecord: ../a.json\nmetrics: {m: {floor: 0}}\n")?.record == "record")
            let missing = #expect(throws: DataError.self) { try GateRules(file: folder + "/none.yaml") }
            #expect(missing?.kind == .missing)
        }
    }

    @Test("patterns")
    func patterns() {
        for (text, pattern, fits) in [
            ("mIoU", "mIoU", true), ("mIoU_pairs", "mIoU*", true), ("mIoU", "mIoU*", true),
            ("AP50_box", "AP*_box", true),
            ("AP_mask", "AP*_box", false), ("a", "*", true), ("abcbd", "a*b*d", true), ("ab", "ab*b", false),
            ("AP", "ap", false), ("", "*", true), ("a*b", "a*b", true),
        ] {
            #expect(GateRules.fits(text, pattern) == fits, "\(text) \(pattern)")
        }
    }

    @Test("a first baseline gets rules that hold it, and files without folders of this machine")
    func starter() throws {
        try withTemporaryFolder { folder in
            let file = folder + "/new/gate.yaml"
            try Folder.create(folder + "/new")
            let run = try EvidenceFixture.write(EvidenceFixture.segmentation(quality: 0.8), to: folder + "/run")
            #expect(#expect(throws: DataError.self) { try answer(file, run) }?.kind == .missing)
            var gate = Gate(baseline: file, run: run)
            gate.updatesBaseline = true
            _ = try gate.run(session())
            let rules = try GateRules(file: file)
            #expect(rules.rule(for: "mIoU") == GateRule(maxDrop: 0.01, needsEvidence: true))
            #expect(rules.rule(for: "anything").isInformational)
            let record = try text(of: rules.recordPath)
            #expect(!record.contains("/somewhere"))
            #expect(try answer(file, run).passes)
            // A stop between the two files leaves a mixture, which is refused.
            try EvidenceFixture.segmentation(quality: 0.6).write(to: rules.evidencePath!)
            #expect(#expect(throws: DataError.self) { try answer(file, run) }?.kind == .malformed)
        }
    }

    @Test("JUnit has one case a metric, with old, new, delta and threshold; the summary grows below its limit")
    func files() throws {
        try withTemporaryFolder { folder in
            let file = try baseline(folder)
            let worse = try EvidenceFixture.write(
                EvidenceFixture.segmentation(images: 100, quality: 0.7, noise: 1), to: folder + "/worse")
            try write("before\n", to: folder + "/summary")
            let no = try answer(file, worse) {
                $0.junit = folder + "/junit.xml"
                $0.markdown = folder + "/pr.md"
                $0.annotatesGitHub = true
                $0.environment = ["GITHUB_STEP_SUMMARY": folder + "/summary"]
            }
            let junit = try text(of: folder + "/junit.xml")
            #expect(junit.components(separatedBy: "<testcase ").count == 10 && junit.contains("failures=\"1\""))
            for word in ["old 0.", "new 0.", "delta -0.", "threshold max_drop 0.01, evident"] {
                #expect(junit.contains(word))
            }
            let summary = try text(of: folder + "/summary")
            #expect(summary.hasPrefix("before\n# Gate") && summary.contains("gate closed"))
            #expect(try text(of: folder + "/pr.md").contains("| mIoU ↑ | failed |"))
            #expect(no.annotations.count == 1 && no.annotations[0].hasPrefix("::error title=dmt gate%3A mIoU::0."))
        }
    }

    @Test("annotations are escaped and limited, with one roll-up")
    func annotations() {
        let one = GitHubAnnotation(title: "a:b,c%\n", message: "50 %, x: y\r\nz")
        #expect(one.line(.error) == "::error title=a%3Ab%2Cc%25%0A::50 %25, x: y%0D%0Az")
        let many = (0..<25).map { GitHubAnnotation(title: "dmt gate: m\($0)", message: "") }
        let lines = GitHubAnnotation.lines(.warning, many)
        #expect(lines.count == 10 && lines[8].contains("m8") && lines[9].contains("16 more"))
        #expect(lines[9].contains("m9, m10") && GitHubAnnotation.lines(.notice, Array(many.prefix(10))).count == 10)
    }

    @Test("Markdown with thousands of hostile metrics stays below the limits")
    func size() throws {
        try withTemporaryFolder { folder in
            let evidence = EvidenceFixture.segmentation(images: 4, quality: 0.8)
            func many(_ draft: inout RunRecord.Draft) {
                draft.metrics = (0..<3000).map {
                    MetricValue(
                        name: "<b>|\($0)" + String(repeating: "名", count: $0 == 7 ? 10_000 : 5), value: 0.5,
                        unit: .fraction,
                        direction: .higherIsBetter, sampleCount: 4)
                }
            }
            let runs = try ["a", "b"].map {
                try FinishedRun(try EvidenceFixture.write(evidence, to: "\(folder)/\($0)", withEvidence: false, many))
            }
            try write("kind: gate\nrecord: a/run.json\ndefault: {floor: 0.6}\nmetrics: {}\n", to: folder + "/gate.yaml")
            let check = GateCheck(
                try GateRules(file: folder + "/gate.yaml"), baseline: runs[0], run: runs[1],
                bootstrap: Bootstrap(drawCount: 100))
            #expect(check.failures.count == 3000)
            let report = GateReport(check: check)
            let text = report.markdown(limit: GateReport.commentLimit)
            #expect(text.utf8.count <= GateReport.commentLimit && text.utf8.count > 20_000)
            #expect(text.contains("more are not shown") && text.contains("&lt;b&gt;\\|0") && !text.contains("<b>"))
            #expect(report.markdown(limit: GateReport.summaryLimit).utf8.count <= GateReport.summaryLimit)
            #expect(report.annotations.count == 10)
        }
    }
}
