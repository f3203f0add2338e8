import JSONText
import Reporting

/// An arm of several teachers against another arm in one column.
struct LabComparison {
    var arm: LabArm
    var other: LabArm
    var column: String
    var difference: PairedSeeds
    /// Holm's, over all comparisons of the arm in the column.
    var adjustedP: Double

    var verdict: String {
        guard adjustedP < 0.05 else { return "no evidence" }
        return difference.difference > 0 ? "better" : "worse"
    }

    var json: JSONValue {
        .object([
            ("arm", .string(arm.name)), ("other", .string(other.name)), ("metric", .string(column)),
            ("difference", .double(difference.difference)),
            ("interval", .array([.double(difference.interval.lower), .double(difference.interval.upper)])),
            ("level", .double(difference.interval.level)), ("p", .double(difference.pValue)),
            ("p_holm", .double(adjustedP)), ("verdict", .string(verdict)), ("method", .string(difference.method)),
        ])
    }

    /// All of a table: arms of several teachers, each against every other arm. None where there are fewer than two seeds.
    static func all(_ table: LabTable) -> [LabComparison] {
        let arms = table.plan.settings.arms
        var comparisons: [LabComparison] = []
        for column in table.columns {
            for arm in arms where arm.role == .several {
                let found = arms.filter { $0.name != arm.name }.compactMap { other in
                    table.difference(arm, other, column).map { (other, $0) }
                }
                let adjusted = PairedSeeds.holm(found.map { $0.1.pValue })
                for ((other, difference), p) in zip(found, adjusted) {
                    comparisons.append(
                        LabComparison(arm: arm, other: other, column: column, difference: difference, adjustedP: p))
                }
            }
        }
        return comparisons
    }

    /// The single-teacher arm of the highest mean in a column: chosen by looking, so that beating it is a strict demand.
    static func bestSingle(_ table: LabTable, _ column: String) -> LabArm? {
        table.plan.settings.arms.filter { $0.role == .single }.compactMap { arm in
            SeedSummary(table.values(arm, column).map(\.value)).map { (arm, $0.mean) }
        }.max { $0.1 < $1.1 }?.0
    }
}
