extension Communicator {
    /// The sums of each value over all ranks.
    public func sums(_ values: [Double]) -> [Double] {
        if size == 1 { return values }
        var values = values
        values.withUnsafeMutableBufferPointer { buffer in
            if let start = buffer.baseAddress { allReduceSum(start, count: buffer.count) }
        }
        return values
    }

    /// The means of each value over all ranks.
    public func means(_ values: [Double]) -> [Double] {
        size == 1 ? values : sums(values).map { $0 / Double(size) }
    }

    /// The leader's bytes, on every rank; those of the others are not looked at.
    public func leaders(_ bytes: [UInt8]) -> [UInt8] {
        size == 1 ? bytes : gather(isLeader ? bytes : [])[0]
    }

    /// The leader's number, on every rank; `|value| < 2⁵³`.
    public func leaders(_ value: Int) -> Int { Int(sums([isLeader ? Double(value) : 0])[0]) }

    /// The leader's text, on every rank.
    public func leaders(_ text: String) -> String { String(decoding: leaders(Array(text.utf8)), as: UTF8.self) }
}
