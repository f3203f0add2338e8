import COpenBLAS
import TensorCore

extension Gemm {
    /// The same product by OpenBLAS on one thread: an independent twin of `multiply`.
    ///
    /// - Precondition: one stride of each operand is 1.
    public static func openBLAS(
        _ dtype: DType, m: Int, n: Int, k: Int, _ a: MatrixView, _ b: MatrixView, into c: UnsafeMutableRawPointer
    ) {
        openblas_set_num_threads(1)
        let ta = a.columnStride == 1 ? CblasNoTrans : CblasTrans
        let tb = b.columnStride == 1 ? CblasNoTrans : CblasTrans
        let (lda, ldb) = (Int32(max(a.rowStride, a.columnStride)), Int32(max(b.rowStride, b.columnStride)))
        switch dtype {
        case .f32:
            cblas_sgemm(
                CblasRowMajor, ta, tb, Int32(m), Int32(n), Int32(k), 1, a.pointer.assumingMemoryBound(to: Float.self),
                lda, b.pointer.assumingMemoryBound(to: Float.self), ldb, 0, c.assumingMemoryBound(to: Float.self),
                Int32(n))
        case .f64:
            cblas_dgemm(
                CblasRowMajor, ta, tb, Int32(m), Int32(n), Int32(k), 1, a.pointer.assumingMemoryBound(to: Double.self),
                lda, b.pointer.assumingMemoryBound(to: Double.self), ldb, 0, c.assumingMemoryBound(to: Double.self),
                Int32(n))
        default: preconditionFailure("OpenBLAS has no gemm for \(dtype)")
        }
    }
}
