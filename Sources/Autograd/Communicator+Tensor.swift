import Communication
import TensorCore

extension Communicator {
    /// Adds a tensor's values over all ranks, in place.
    public func allReduceSum(_ tensor: Tensor) {
        if size == 1 { return }
        switch tensor.dtype {
        case .f32: allReduceSum(tensor.f32(), count: tensor.count)
        case .f64: allReduceSum(tensor.f64(), count: tensor.count)
        default: preconditionFailure("all-reduce of \(tensor.dtype)")
        }
    }

    /// The rows `(R, …)` of all ranks, rank after rank, and which of them are this rank's. Ranks may hold different numbers
    /// of rows.
    public func gatheredRows(_ tensor: Tensor) -> (all: Tensor, own: Range<Int>) {
        if size == 1 { return (tensor, 0..<tensor.shape[0]) }
        let width = tensor.byteCount / max(tensor.shape[0], 1)
        let bytes = [UInt8](UnsafeRawBufferPointer(start: tensor.raw, count: tensor.byteCount))
        keepAlive(tensor.storage)
        let parts = gather(bytes)
        let rows = parts.reduce(0) { $0 + $1.count } / max(width, 1)
        let all = Tensor(uninitialized: [rows] + tensor.shape.dropFirst(), tensor.dtype)
        var offset = 0
        for part in parts {
            part.withUnsafeBytes {
                if let start = $0.baseAddress { (all.raw + offset).copyMemory(from: start, byteCount: $0.count) }
            }
            offset += part.count
        }
        keepAlive(all.storage)
        let first = parts[..<rank].reduce(0) { $0 + $1.count } / max(width, 1)
        return (all, first..<first + tensor.shape[0])
    }
}
