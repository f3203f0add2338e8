import TensorCore

/// Reads single values of a float tensor of either width without copying it.
struct TensorValues {
    private let tensor: Tensor

    init(_ tensor: Tensor) { self.tensor = tensor }

    subscript(index: Int) -> Double {
        withExtendedLifetime(tensor.storage) {
            tensor.dtype == .f64 ? tensor.f64()[index] : Double(tensor.f32()[index])
        }
    }

    /// Four neighbours, the first at `index`.
    func quadruple(at index: Int) -> SIMD4<Double> {
        SIMD4(self[index], self[index + 1], self[index + 2], self[index + 3])
    }
}
