import JSONText
import SafeFiles
import TensorCore

/// What `dmt doctor` finds: machine, build, measured peak and what is missing.
public struct DoctorReport: Sendable, Equatable {
    public var environment: EnvironmentReport
    /// Floating-point operations a second of one core, in units of 10^9, from a loop that never touches memory.
    public var peakGigaflopsPerCore: Double
    /// Shipped recipes; nil when the tool's files are not found.
    public var recipeCount: Int?
    /// What a person should mend, each in one sentence.
    public var problems: [String]

    /// Measures for about half a second.
    public static func measure() -> DoctorReport {
        var problems: [String] = []
        var recipeCount: Int?
        var locator: ResourceLocator?
        do {
            let found = try ResourceLocator.current()
            locator = found
            let library = RecipeLibrary(folder: found.folder + "/recipes")
            let names = try library.names()
            recipeCount = names.count
            for name in names {
                do {
                    _ = try RecipeHeader(try library.load(name).reader())
                } catch { problems.append("\(error)") }
            }
        } catch { problems.append("\(error)") }
        let environment = EnvironmentReport.current(locator: locator)
        if environment["cpu_path"] == "plain" {
            problems.append("The plain CPU path is in use: expect a fraction of the speed of avx2.")
        }
        return DoctorReport(
            environment: environment, peakGigaflopsPerCore: Kernels.measuredPeak() * 1e-9, recipeCount: recipeCount,
            problems: problems)
    }

    public var json: JSONValue {
        .object([
            ("schema_version", .int(1)), ("environment", environment.json),
            ("peak_gflops_per_core", JSONValue(finite: peakGigaflopsPerCore)),
            ("recipes", recipeCount.map { .int(Int64($0)) } ?? .null),
            ("problems", .array(problems.map { .string($0) })),
        ])
    }

    /// Findings, then a block to paste into an issue.
    public var text: String {
        let verdict =
            problems.isEmpty ? "no problem found\n" : problems.map { "problem: \($0)\n" }.joined()
        let peak = "peak_gflops_per_core: \(ProgressReporter.fixed(peakGigaflopsPerCore))\n"
        let recipes = "recipes: \(recipeCount.map { "\($0)" } ?? "not found")\n"
        return verdict + "\nPaste this into an issue:\n\n```\n" + environment.text + peak + recipes
            + problems.map { "problem: \($0)\n" }.joined() + "```\n"
    }
}
