import Foundation
import Glibc
import JSONText
import SafeFiles

/// What the missing runs of a table would cost: the words of their recipes, and where asked for, figures measured here.
struct FillingCosts {
    private struct Entry {
        var name: String
        var task: HeadTask?
        var cost: String
        /// How many runs use it.
        var runs: Int
        /// From `--dry-run` in a process of its own: nil until it is measured.
        var measured: JSONValue?
        var problem: String?

        var seconds: Double? {
            guard let measured else { return nil }
            if let seconds = measured["seconds"]?.double { return seconds }
            return measured["training_seconds"]?.double.map { $0 + (measured["teacher_seconds"]?.double ?? 0) }
        }
        var memory: Int? { measured?["memory_bytes"]?.int.map(Int.init) }
    }

    private let plan: ReproductionPlan
    private var entries: [Entry] = []

    init(_ plan: ReproductionPlan, _ library: RecipeLibrary) throws(DataError) {
        self.plan = plan
        var counted: Set<String> = []
        for filling in plan.fillings {
            for recipe in filling.recipes {
                // A student that several rows begin with is distilled once a seed.
                let isNew = recipe.task != nil || counted.insert("\(recipe.name) \(filling.seed)").inserted
                if let place = entries.firstIndex(where: { $0.name == recipe.name }) {
                    if isNew { entries[place].runs += 1 }
                    continue
                }
                let header = try RecipeHeader(try library.load(recipe.name).reader())
                entries.append(Entry(name: recipe.name, task: recipe.task, cost: header.cost, runs: 1))
            }
        }
    }

    /// Runs each recipe's `--dry-run`, each in a process of its own: one that needs more memory than there is ends alone.
    mutating func measure(_ session: CommandSession) throws {
        session.listenForInterrupts()
        let program = try LabRunner.ownExecutable()
        let folder = NSTemporaryDirectory() + "dmt-plan-\(getpid())"
        try Folder.create(folder)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for place in entries.indices {
            let entry = entries[place]
            session.note("measuring \(entry.name)")
            let verb = entry.task.map { ["train", $0.rawValue] } ?? ["distill"]
            let (output, log) = ("\(folder)/\(place).json", "\(folder)/\(place).txt")
            let process = try ChildProcess(
                program, verb + ["--recipe", entry.name, "--dry-run", "--json"],
                in: FileManager.default.currentDirectoryPath, output: output, log: log)
            var end: ChildProcess.End?
            while end == nil {
                if session.interrupt.signalNumber != nil { process.terminate() }
                end = process.poll()
                usleep(50_000)
            }
            try session.interrupt.check()
            if end?.exitCode == 0, let bytes = try? FileBytes.read(output, limit: 1 << 20) {
                entries[place].measured = try? JSONValue.parse(bytes, file: output)
            } else {
                let words = (try? FileBytes.read(log, limit: 1 << 20)).map { String(decoding: $0, as: UTF8.self) } ?? ""
                let last = words.split(separator: "\n").last.map(String.init)
                entries[place].problem = last ?? "ended with exit code \(end?.exitCode ?? -1)"
            }
        }
    }

    func json(_ table: String) -> JSONValue {
        .object([
            ("schema_version", .int(1)), ("table", .string(table)),
            ("missing", .array(plan.missing.map(JSONValue.string))),
            (
                "recipes",
                .array(
                    entries.map { entry in
                        .object([
                            ("recipe", .string(entry.name)), ("runs", .int(Int64(entry.runs))),
                            ("cost", .string(entry.cost)), ("seconds", JSONValue(finite: entry.seconds)),
                            ("memory_bytes", entry.memory.map { .int(Int64($0)) } ?? .null),
                            ("problem", entry.problem.map { .string($0) } ?? .null),
                        ])
                    })
            ),
            (
                "runs",
                .array(
                    plan.fillings.map { filling in
                        .object([
                            ("row", .string(filling.title)), ("seed", .string("\(filling.seed)")),
                            ("missing", .array(filling.missing.map(JSONValue.string))),
                            (
                                "commands",
                                .array(filling.jobs.compactMap { plan.all[$0].map { .string($0.commandLine) } })
                            ),
                        ])
                    })
            ),
        ])
    }

    func text(_ table: String, _ folder: String) -> String {
        if plan.fillings.isEmpty { return "no run is missing\n" }
        var lines: [String] = []
        if !plan.missing.isEmpty {
            lines += ["To be given:"] + plan.missing.map { "  " + $0 } + [""]
        }
        if !entries.isEmpty {
            lines.append("Recipes:")
            for entry in entries {
                lines.append("  \(entry.name), \(entry.runs) \(entry.runs == 1 ? "run" : "runs")")
                lines.append("    stated: \(entry.cost)")
                if let seconds = entry.seconds {
                    let memory = entry.memory.map { ", " + PlanText.size($0) } ?? ""
                    lines.append("    here: \(PlanText.time(seconds)) a run\(memory)")
                }
                if let problem = entry.problem { lines.append("    here: \(problem)") }
            }
            let known = entries.compactMap { entry in entry.seconds.map { $0 * Double(entry.runs) } }
            if known.count == entries.count {
                lines.append("  in all: \(PlanText.time(known.reduce(0, +))) here, evaluations not counted")
            } else if entries.allSatisfy({ $0.measured == nil && $0.problem == nil }) {
                lines.append(
                    "  --measure times steps of each on this machine: minutes, and as much memory as each needs")
            }
            lines.append("")
        }
        lines.append("Commands, run in \(folder):")
        for filling in plan.fillings {
            let need = filling.missing.isEmpty ? "" : ", needs " + filling.missing.joined(separator: ", ")
            lines.append("  # \(filling.title), seed \(filling.seed)\(need)")
            lines += filling.jobs.compactMap { plan.all[$0].map { "  " + $0.commandLine } }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
