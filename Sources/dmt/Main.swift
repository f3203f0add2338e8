import ArgumentParser

@main
struct DMT: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "dmt", subcommands: [])
}
