import Determinism

/// Every choice that changes a number without being the model: input size, resize filter, crop or slide, label size,
/// layers used, head, schedule, test-time augmentation, ignore label, absent-class policy, image list.
///
/// Numbers of different fingerprints are not comparable; `compare` and `gate` look here first.
public struct ProtocolFingerprint: Sendable, Equatable {
    public struct Entry: Sendable, Equatable {
        public var key: String
        public var value: String

        public init(_ key: String, _ value: String) {
            self.key = key
            self.value = value
        }
    }

    /// In reading order; keys are unique.
    public private(set) var entries: [Entry] = []

    public init() {}

    /// - Precondition: no key twice.
    public init(_ pairs: KeyValuePairs<String, String>) {
        for (key, value) in pairs { set(key, value) }
    }

    public subscript(key: String) -> String? { entries.first { $0.key == key }?.value }

    /// Appends a choice.
    ///
    /// - Precondition: the key is new and not empty.
    public mutating func set(_ key: String, _ value: String) {
        precondition(!key.isEmpty && self[key] == nil, "protocol: key '\(key)' is empty or set twice")
        entries.append(Entry(key, value))
    }

    /// SHA-256 over the choices sorted by key: order of writing does not matter.
    public var hash: String {
        var hash = SHA256()
        for entry in entries.sorted(by: { $0.key < $1.key }) {
            hash.update("\(entry.key.utf8.count):\(entry.key)=\(entry.value.utf8.count):\(entry.value)\n")
        }
        return hash.hex()
    }

    /// The first eight digits of `hash`, for tables.
    public var shortHash: String { String(hash.prefix(8)) }

    public struct Difference: Sendable, Equatable {
        public var key: String
        /// `nil`: not stated on that side.
        public var first: String?
        public var second: String?
    }

    /// The choices in which two protocols differ, in the order of `self`, then those only `other` states.
    public func differences(from other: ProtocolFingerprint) -> [Difference] {
        var result: [Difference] = []
        for entry in entries where other[entry.key] != entry.value {
            result.append(Difference(key: entry.key, first: entry.value, second: other[entry.key]))
        }
        for entry in other.entries where self[entry.key] == nil {
            result.append(Difference(key: entry.key, first: nil, second: entry.value))
        }
        return result
    }
}
