/// A note that GitHub shows beside a workflow's run.
///
/// - Source: GitHub's workflow commands; a step shows ten annotations of a kind.
struct GitHubAnnotation: Sendable, Equatable {
    enum Kind: String, Sendable { case error, warning, notice }

    /// Annotations of one kind that a step shows.
    static let limit = 10

    var title: String
    var message: String

    /// `::error title=…::message`
    func line(_ kind: Kind) -> String {
        "::\(kind.rawValue) title=\(Self.escapeProperty(title))::\(Self.escapeData(message))"
    }

    /// At most ten lines, in the order given; of more the tenth counts the rest.
    static func lines(_ kind: Kind, _ annotations: [GitHubAnnotation]) -> [String] {
        guard annotations.count > limit else { return annotations.map { $0.line(kind) } }
        let shown = annotations.prefix(limit - 1)
        let rest = annotations.dropFirst(limit - 1)
        let names = rest.prefix(20).map { $0.title.split(separator: ": ").last.map(String.init) ?? $0.title }
        let roll = GitHubAnnotation(
            title: "dmt gate: \(rest.count) more",
            message: names.joined(separator: ", ") + (rest.count > names.count ? " …" : ""))
        return shown.map { $0.line(kind) } + [roll.line(kind)]
    }

    static func escapeData(_ text: String) -> String {
        text.replacing("%", with: "%25").replacing("\r\n", with: "%0D%0A").replacing("\r", with: "%0D")
            .replacing("\n", with: "%0A")
    }

    /// Properties end at a comma or colon.
    static func escapeProperty(_ text: String) -> String {
        escapeData(text).replacing(":", with: "%3A").replacing(",", with: "%2C")
    }
}
