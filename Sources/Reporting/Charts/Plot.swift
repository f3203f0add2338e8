/// A chart of any kind but lines, with the numbers it shows.
///
/// Formats that cannot draw show `textForm`.
public enum Plot: Sendable, Equatable {
    case bars(BarChart)
    case heatMap(HeatMap)
    case reliability(ReliabilityDiagram)
    case scatter(ScatterChart)
    case key(ColourKey)

    /// Rows and columns of a table that still read well where the chart would stand.
    private static let rowLimit = 25
    private static let columnLimit = 12

    public var title: String {
        switch self {
        case .bars(let chart): chart.title
        case .heatMap(let map): map.title
        case .reliability(let diagram): diagram.title
        case .scatter(let chart): chart.title
        case .key(let key): key.title
        }
    }

    /// What data formats call it.
    public var kind: String {
        switch self {
        case .bars: "bars"
        case .heatMap: "heat_map"
        case .reliability: "reliability"
        case .scatter: "scatter"
        case .key: "key"
        }
    }

    /// All numbers of the chart.
    public var table: ReportTable {
        switch self {
        case .bars(let chart): chart.table
        case .heatMap(let map): map.table
        case .reliability(let diagram): diagram.table
        case .scatter(let chart): chart.table
        case .key(let key): key.table
        }
    }

    /// The numbers where they are few enough to be read, or a line that says where the picture is.
    public var textForm: ReportBlock {
        let table = table
        guard table.rows.count <= Self.rowLimit, table.columns.count <= Self.columnLimit else {
            return .paragraph("\(title): a picture of the HTML report, \(table.rows.count) rows of numbers.")
        }
        return .table(table)
    }
}
