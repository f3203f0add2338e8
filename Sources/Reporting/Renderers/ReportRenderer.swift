/// Turns a report into text. Pure: the same report gives the same text.
public protocol ReportRenderer: Sendable {
    func render(_ report: Report) -> String
}
