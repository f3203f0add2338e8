/// A head that cannot stand on the maps it was given.
public struct HeadConfigurationError: Error, CustomStringConvertible, Sendable, Equatable {
    public var head: String
    public var expected: String
    public var found: String
    public var remedy: String

    public var description: String { "\(head): expected \(expected), found \(found); \(remedy)" }
}
