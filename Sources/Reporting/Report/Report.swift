/// A report before it has a format: every renderer takes this, so every format shows the same numbers.
public struct Report: Sendable, Equatable {
    public var title: String
    /// Paragraphs between the title and the first section.
    public var introduction: [String]
    public var sections: [ReportSection]

    public init(title: String, introduction: [String] = [], sections: [ReportSection] = []) {
        self.title = title
        self.introduction = introduction
        self.sections = sections
    }
}

/// A headed part of a report.
public struct ReportSection: Sendable, Equatable {
    public var heading: String
    public var blocks: [ReportBlock]

    public init(heading: String, blocks: [ReportBlock]) {
        self.heading = heading
        self.blocks = blocks
    }
}

/// One thing in a section.
public enum ReportBlock: Sendable, Equatable {
    case paragraph(String)
    /// Set apart: something that a reader of the numbers must not miss.
    case warning(String)
    /// Commands or settings, spaces kept.
    case verbatim(String)
    case table(ReportTable)
    case chart(LineChart)
    case plot(Plot)
    case pictures(PictureGrid)
}
