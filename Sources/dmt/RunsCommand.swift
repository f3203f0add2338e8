import ArgumentParser
import EvaluationHarness
import Foundation

/// `dmt runs`
struct RunsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runs", abstract: "List, show and remove runs, and prune what they leave behind.",
        subcommands: [List.self, Show.self, Remove.self, Prune.self], defaultSubcommand: List.self)

    /// `dmt runs list`
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the runs below a folder, newest first.",
            discussion:
                "killed is a run whose STATUS says running and that no process works on; --resume goes on with it.")

        @Argument(help: "A folder; runs unless given.")
        var folder = "runs"

        @Option(
            help:
                "Only these, with commas between: \(ListedRun.State.allCases.map(\.rawValue).joined(separator: ", ")).")
        var status: String?

        @Option(help: "Only tasks that begin so: segment, detect.coco, train.")
        var task: String?

        @Option(help: "Only this arm.")
        var arm: String?

        @Option(help: "Order: \(RunListing.Order.allCases.map(\.rawValue).joined(separator: ", ")).")
        var sort = RunListing.Order.date

        @OptionGroup var global: GlobalOptions

        private func states() throws -> [ListedRun.State] {
            try (status ?? "").split(separator: ",").map { word in
                guard let state = ListedRun.State(rawValue: String(word)) else {
                    let known = ListedRun.State.allCases.map(\.rawValue)
                    throw ValidationError("--status: '\(word)' is none of \(known.joined(separator: ", ")).")
                }
                return state
            }
        }

        func validate() throws { _ = try states() }

        func run() throws {
            try runReporting(global) { session in
                let listing = RunListing(
                    try RunCatalogue(folder), folder: folder, states: try states(), task: task, arm: arm, order: sort)
                try session.emit(listing.json, text: listing.text)
            }
        }
    }

    /// `dmt runs show`
    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Summarise a run's record and list its files.")

        @Argument(help: "A run folder.")
        var folder: String

        @OptionGroup var global: GlobalOptions

        func run() throws {
            try runReporting(global) { session in
                let description = try RunDescription(folder)
                try session.emit(description.json, text: description.text)
            }
        }
    }

    /// `dmt runs rm`
    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rm", abstract: "Remove run folders.",
            discussion: """
                Refused before anything is removed: a folder that is no run, a link, a run that a process works on. Asks on a \
                terminal; elsewhere --yes is needed.
                """)

        @Argument(help: "Run folders.")
        var runs: [String]

        @Flag(name: .shortAndLong, help: "Do not ask.")
        var yes = false

        @OptionGroup var global: GlobalOptions

        func run() throws {
            try runReporting(global) { session in
                let removal = try RunRemoval(runs)
                guard yes || isatty(STDIN_FILENO) == 1 && session.terminal.isInteractive else {
                    throw ValidationError("rm: --yes is needed to remove \(removal.summary) where nobody can be asked.")
                }
                if !yes {
                    for run in removal.runs { session.terminal.write(line: "  " + run.shown) }
                    session.terminal.write(line: "Remove \(removal.summary)? [y/N]")
                    guard ["y", "yes"].contains((readLine() ?? "").lowercased()) else {
                        session.terminal.write(line: "nothing was removed")
                        return
                    }
                }
                try removal.remove()
                try session.emit(removal.json, text: removal.text)
            }
        }
    }

    /// `dmt runs prune`
    struct Prune: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "prune", abstract: "Remove what killed runs left behind, and caches of features.",
            discussion: """
                Temporary files of killed writes and rests of cut-short removals go; with --features the caches of teachers' \
                tokens (dmt distill --feature-cache) and of frozen features (dmt eval --features) as well, which later runs \
                make again. What a process works on stays.
                """)

        @Argument(help: "A folder; runs unless given.")
        var folder = "runs"

        @Flag(help: "Caches of features too.")
        var features = false

        @Flag(help: "Print what would go; remove nothing.")
        var dryRun = false

        @OptionGroup var global: GlobalOptions

        func run() throws {
            try runReporting(global) { session in
                let pruning = try RunPruning(folder, features: features)
                if !dryRun { try pruning.remove() }
                try session.emit(pruning.json(isDry: dryRun), text: pruning.text(isDry: dryRun))
            }
        }
    }
}

extension RunListing.Order: ExpressibleByArgument {}
