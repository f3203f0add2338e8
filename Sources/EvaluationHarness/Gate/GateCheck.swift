import Reporting

/// A run held against a gate's baseline.
struct GateCheck: Sendable {
    let rules: GateRules
    let baseline: FinishedRun
    let run: FinishedRun
    let bootstrap: Bootstrap
    /// Worst first.
    let findings: [GateFinding]
    /// Why differences are not paired; nil where they are.
    let obstacle: String?

    var failures: [GateFinding] { findings.filter { $0.status == .failed } }
    var passes: Bool { failures.isEmpty }

    init(_ rules: GateRules, baseline: FinishedRun, run: FinishedRun, bootstrap: Bootstrap) {
        self.rules = rules
        self.baseline = baseline
        self.run = run
        self.bootstrap = bootstrap
        var names = run.record.fields.metrics.map(\.name)
        names += baseline.record.fields.metrics.map(\.name).filter { !names.contains($0) }
        var findings = Self.wholeRun(run, baseline)
        let isComparable = findings.isEmpty
        let obstacle = PairedEvidence.obstacle(run.evidence, baseline.evidence)
        self.obstacle = obstacle
        var paired: [String: ComparedDifference] = [:]
        if isComparable, obstacle == nil {
            for (name, difference) in PairedEvidence(
                run.evidence!, minus: baseline.evidence!, bootstrap, onlyMetrics: true
            ).metrics {
                paired[name] = difference
            }
        }
        for name in names {
            guard isComparable else {
                findings.append(
                    GateFinding(
                        name: name, status: .skipped, rule: rules.rule(for: name),
                        baseline: baseline.record.metric(name)?.value, value: run.record.metric(name)?.value,
                        reasons: ["not compared"]))
                continue
            }
            let (value, before) = (run.record.metric(name), baseline.record.metric(name))
            var difference = paired[name]
            if difference == nil, obstacle != nil, let value, let before {
                difference = UnpairedDifference(value, before).map { ComparedDifference($0) }
            }
            findings.append(
                GateFinding(name, rules.rule(for: name), value: value, before: before, difference: difference))
        }
        for pattern in rules.idlePatterns(among: names) {
            let near = Spelling.nearest(to: pattern, among: names).map { "; did you mean '\($0)'?" } ?? ""
            findings.append(
                GateFinding(
                    name: pattern, status: .failed, rule: rules.rule(for: pattern),
                    reasons: ["no metric of that name in the run or the baseline" + near], severity: .infinity))
        }
        self.findings = GateFinding.sorted(findings)
    }

    /// What keeps the run from being compared at all.
    private static func wholeRun(_ run: FinishedRun, _ baseline: FinishedRun) -> [GateFinding] {
        var findings: [GateFinding] = []
        if let status = run.status, status != .done {
            findings.append(
                GateFinding(
                    name: "run", status: .failed, rule: GateRule(),
                    reasons: ["the run is \(status.rawValue), not done"], severity: .infinity))
        }
        let differences = run.record.differences(from: baseline.record)
        if !differences.isEmpty {
            findings.append(
                GateFinding(
                    name: "protocol", status: .failed, rule: GateRule(),
                    reasons: differences.map { "not the baseline's protocol or data: \($0)" }, severity: .infinity))
        }
        return findings
    }
}
