import CKernels
import Glibc

/// The table of inner loops for this CPU, chosen once.
public enum Kernels {
    /// The paths by name, as `DMT_CPU` spells them.
    public static let pathNames = ["plain", "avx2", "avx512", "avx512bf16"]

    /// The chosen path's number, or -1 when `DMT_CPU` names a path that this CPU lacks.
    public static let selected: Int32 = dmt_select_path(getenv("DMT_CPU"))

    /// The chosen path's name.
    public static var pathName: String { selected >= 0 ? pathNames[Int(selected)] : "none" }

    // Immutable tables of function pointers: safe to share.
    nonisolated(unsafe) private static let single: UnsafePointer<dmt_kernels> = {
        precondition(selected >= 0, "DMT_CPU names a path that this CPU lacks; use another")
        return dmt_kernels_f32(selected)
    }()
    nonisolated(unsafe) private static let double: UnsafePointer<dmt_kernels> = dmt_kernels_f64()

    /// The table for a floating type.
    public static func table(_ dtype: DType) -> UnsafePointer<dmt_kernels> {
        switch dtype {
        case .f32: single
        case .f64: double
        default: preconditionFailure("no kernels for \(dtype)")
        }
    }

    /// The measured compute peak of one core in floating-point operations a second.
    public static func measuredPeak() -> Double {
        var sink: Float = 0
        var best = 0.0
        for _ in 0..<5 {
            var start = timespec()
            var end = timespec()
            clock_gettime(CLOCK_MONOTONIC, &start)
            let work = dmt_peak_loop(selected, 2_000_000, &sink)
            clock_gettime(CLOCK_MONOTONIC, &end)
            let seconds = Double(end.tv_sec - start.tv_sec) + 1e-9 * Double(end.tv_nsec - start.tv_nsec)
            best = max(best, work / seconds)
        }
        return best
    }
}
