import Communication
import TensorCore

extension Communicator {
    /// Adds a tensor's values over all ranks, in place.
    func allReduceSum(_ tensor: Tensor) {
        switch tensor.dtype {
        case .f32: allReduceSum(tensor.f32(), count: tensor.count)
        case .f64: allReduceSum(tensor.f64(), count: tensor.count)
        default: preconditionFailure("all-reduce of \(tensor.dtype)")
        }
    }
}
