import ArgumentParser
import EvaluationHarness

/// `dmt doctor`
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Describe machine and build, measure the compute peak, find what is missing.")

    @OptionGroup var global: GlobalOptions

    func run() throws {
        try runReporting(global) { session in
            let report = DoctorReport.measure()
            try session.emit(report.json, text: report.text)
        }
    }
}
