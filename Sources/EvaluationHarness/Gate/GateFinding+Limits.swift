import Reporting

extension GateFinding {
    /// Holds one metric against its rule.
    ///
    /// - Parameters:
    ///   - value, before: of the run and the baseline; nil where they lack the metric.
    ///   - difference: run minus baseline, where its error is known.
    init(
        _ name: String, _ rule: GateRule, value: MetricValue?, before: MetricValue?, difference: ComparedDifference?
    ) {
        self.init(
            name: name, status: .passed, rule: rule, direction: (value ?? before)?.direction ?? .higherIsBetter,
            baseline: before?.value, value: value?.value, difference: difference)
        var faults: [Fault] = []
        if let number = value?.value {
            faults = rule.faults(of: number)
            if rule.comparesWithBaseline {
                let (found, note) = drops(number, before)
                faults += found
                reasons += note.map { [$0] } ?? []
            }
        } else if let value {
            let reason = value.reason ?? "no reason given"
            // Undefined on both sides is no change; a bound still asks for a number.
            let isAsBefore = before != nil && before?.value == nil && rule.floor == nil && rule.ceiling == nil
            if isAsBefore {
                reasons.append("undefined as in the baseline: \(reason)")
            } else {
                faults = [Fault(reason: "undefined: \(reason)", severity: .infinity)]
            }
        } else {
            faults = [Fault(reason: "the run has no such metric", severity: .infinity)]
        }
        if rule.isInformational {
            status = .informational
            reasons += faults.map(\.reason)
        } else if !faults.isEmpty {
            status = .failed
            reasons = faults.map(\.reason) + reasons
            severity = faults.map(\.severity).max() ?? 0
        } else if difference?.verdict(direction) == .better {
            status = .improved
        }
    }

    /// What is beyond the limits of a rule about the baseline, or why a loss beyond them is let pass.
    private func drops(_ value: Double, _ before: MetricValue?) -> (faults: [Fault], note: String?) {
        guard let baseline = before?.value else {
            let found = before == nil ? "the baseline has no such metric" : "undefined in the baseline"
            return ([Fault(reason: found + ": renew it with --update-baseline", severity: .infinity)], nil)
        }
        let loss = direction == .higherIsBetter ? baseline - value : value - baseline
        var faults: [Fault] = []
        if let limit = rule.maxDrop, loss > limit {
            faults.append(
                Fault(
                    reason: "lost \(NumberText.fixed(loss, digits: 4)), more than max_drop \(NumberText.exact(limit))",
                    severity: 1 + (loss - limit) / max(limit, 1e-4)))
        }
        if let limit = rule.maxRelativeDrop, loss > limit * abs(baseline) {
            let share = baseline == 0 ? .infinity : loss / abs(baseline)
            faults.append(
                Fault(
                    reason: "lost \(share.isFinite ? NumberText.fixed(100 * share, digits: 2) + " %" : "all") of the "
                        + "baseline, more than max_relative_drop \(NumberText.exact(limit))",
                    severity: 1 + (loss - limit * abs(baseline)) / max(limit * abs(baseline), 1e-4)))
        }
        if rule.needsEvidence, rule.maxDrop == nil, rule.maxRelativeDrop == nil, loss > 0 {
            faults.append(
                Fault(reason: "lost \(NumberText.fixed(loss, digits: 4)), evident", severity: 1 + loss / 1e-4))
        }
        guard rule.needsEvidence, !faults.isEmpty else { return (faults, nil) }
        guard let difference else {
            return (faults, "no error is known for this difference: the limit alone decides")
        }
        let words = "95 % interval " + ReportTable.Cell.interval(difference.interval).text + ", \(difference.method)"
        if difference.verdict(direction) == .worse {
            return (faults.map { Fault(reason: "\($0.reason); \(words)", severity: $0.severity) }, nil)
        }
        return ([], "let pass, no evidence: \(faults[0].reason); \(words)")
    }

    /// One reason to close the gate.
    struct Fault: Sendable, Equatable {
        var reason: String
        var severity: Double
    }
}

extension GateRule {
    /// What is wrong with a value whatever the baseline.
    fileprivate func faults(of value: Double) -> [GateFinding.Fault] {
        func fault(_ word: String, _ bound: Double, _ excess: Double) -> GateFinding.Fault? {
            guard excess > 0 else { return nil }
            return GateFinding.Fault(
                reason: "\(NumberText.fixed(value, digits: 4)) is \(word) \(NumberText.exact(bound))",
                severity: 1 + excess / max(abs(bound), 1e-4))
        }
        return [
            floor.flatMap { fault("below the floor", $0, $0 - value) },
            ceiling.flatMap { fault("above the ceiling", $0, value - $0) },
        ].compactMap(\.self)
    }
}
