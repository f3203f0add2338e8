import CKernels
import Foundation
import TensorCore
import TestSupport
import Testing

/// Every kernel of every path that this CPU runs, against the double table on the same inputs.
@Suite struct CPUPathTests {
    @Test(arguments: KernelCase.all) func everyPathMatchesTheDoubleTable(kernel: KernelCase) {
        let expected = kernel.results(dmt_kernels_f64(), .f64)
        for path in CPUPaths.supported {
            let found = kernel.results(CPUPaths.table(path), .f32)
            #expect(found.count == expected.count)
            for (slot, pair) in zip(found, expected).enumerated() {
                let bound = Double(kernel.roundings) * Tolerance.roundingSingle
                let difference = Comparison(pair.0.doubles(), pair.1.doubles(), tolerance: bound)
                // Not a number on both sides would compare equal: no output may keep it.
                #expect(pair.1.doubles().allSatisfy { !$0.isNaN }, "\(kernel.name), output \(slot): not written")
                #expect(difference.isWithinBounds, "\(kernel.name) on \(path), output \(slot): \(difference)")
            }
        }
    }

    @Test(arguments: CPUPaths.supported) func aPathRepeatsItsBytes(path: String) {
        for kernel in KernelCase.all {
            let first = kernel.results(CPUPaths.table(path), .f32).map { $0.doubles() }
            #expect(first == kernel.results(CPUPaths.table(path), .f32).map { $0.doubles() }, "\(kernel.name)")
        }
    }

    /// The header's function pointers, read from its text, all stand in the table of cases.
    @Test func theCasesNameEveryKernel() throws {
        let header = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Sources/CKernels/include/CKernels.h")
        let text = try String(contentsOf: header, encoding: .utf8)
        let fields = Set(text.matches(of: /\(\*([a-z0-9_]+)\)\(/).map { String($0.output.1) })
        #expect(fields.count >= 45)
        // Packing and scratch sizes are used by the products and by attention.
        let covered = Set(KernelCase.all.map(\.field)).union([
            "dmt_pack_a", "dmt_pack_b", "attention_scratch", "attention_half_scratch",
        ])
        #expect(fields.subtracting(covered).sorted() == [])
    }

    @Test func pathsAreChosenByName() {
        #expect(dmt_select_path("plain") == Int32(DMT_PATH_PLAIN.rawValue))
        #expect(dmt_select_path("sse9") == -1 && dmt_select_path("avx") == -1)
        #expect(dmt_select_path(nil) == dmt_select_path("") && dmt_select_path(nil) >= 0)
        // The fastest path need not be the last one: bfloat16 products are slower than those of floats on some CPUs.
        #expect(CPUPaths.supported.contains(Kernels.pathNames[Int(dmt_select_path(nil))]))
        #expect(CPUPaths.supported.allSatisfy { Kernels.pathNames[Int(dmt_select_path($0))] == $0 })
        #expect(Kernels.pathNames.contains(Kernels.pathName))
    }

    /// Rounding to bfloat16 keeps NaN on every path, whatever its payload.
    @Test(arguments: CPUPaths.supported) func bfloat16ProductsKeepNotANumber(path: String) {
        let t = CPUPaths.table(path).pointee
        for bits in [UInt32(0x7f80_0001), 0x7fff_ffff, 0x7fc0_0000] {
            let (a, b) = (Tensor([Float(bitPattern: bits), 1], [1, 2]), Tensor([1, 1] as [Float], [2, 1]))
            let c = Tensor.zeros([1, 1])
            Bench(table: CPUPaths.table(path), dtype: .f32, maker: TensorMaker("nan"))
                .multiply(t.bf16, 1, 1, 2, a, (2, 1), b, (1, 1), into: c)
            #expect(c.floats()[0].isNaN, "\(path) \(bits)")
            keep(a, b)
        }
    }
}
