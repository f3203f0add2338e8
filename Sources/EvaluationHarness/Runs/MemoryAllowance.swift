/// How much memory a training may take: `--memory`.
public enum MemoryAllowance: Sendable, Equatable {
    /// What the machine and the process's control group have left.
    case available
    /// So many bytes, whatever is left.
    case bytes(Int)
    /// Nothing is asked.
    case any

    private static let units = ["": 0, "KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40]

    /// `available`, `any`, or a whole or decimal number with an optional unit: `6GiB`, `1.5GiB`, `800MiB`, `900000000`.
    public init?(_ text: String) {
        switch text {
        case "available": self = .available
        case "any": self = .any
        default:
            let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            guard let shift = Self.units[String(text.dropFirst(digits.count))],
                let number = Double(digits), number > 0, case let bytes = number * Double(1 << shift), bytes < 0x1p62
            else { return nil }
            self = .bytes(Int(bytes))
        }
    }

    /// Bytes, and what sets them; nil where there is no bound.
    var bound: AvailableMemory? {
        switch self {
        case .available: AvailableMemory.now()
        case .bytes(let bytes): AvailableMemory(bytes: bytes, source: "by --memory")
        case .any: nil
        }
    }
}
