import TensorCore
import Testing

@Suite struct TensorTests {
    @Test func viewsShareAndCopiesDoNot() {
        let base = Tensor((0..<24).map { Float($0) }, [4, 6])
        let (rows, copy) = (base.rows(1..<3), base.copy())
        let reshaped = base.reshaped([-1, 3])
        base.f32()[6] = 100
        #expect(
            rows.shape == [2, 6] && rows.floats()[0] == 100 && reshaped.shape == [8, 3] && reshaped.floats()[6] == 100)
        #expect(copy.floats()[6] == 6)
        #expect(base.view(at: 5, shape: [2, 1]).floats() == [5, 100])
        #expect(rows.rows(1..<2).reshaped([2, 3]).floats() == [12, 13, 14, 15, 16, 17])
    }

    @Test func conversionsKeepValues() {
        let values: [Double] = [0, -1.5, 1e-3, 12345.678]
        let tensor = Tensor(values, [2, 2])
        #expect(tensor.converted(to: .f32).floats() == values.map { Float($0) })
        #expect(tensor.converted(to: .f32).converted(to: .f64).doubles() == values.map { Double(Float($0)) })
        #expect(Tensor([1, -2, 3] as [Int32], [3]).ints() == [1, -2, 3])
    }

    @Test func emptyAndScalarShapes() {
        #expect(Tensor.zeros([0, 3]).count == 0 && Tensor.zeros([0, 3]).floats() == [])
        #expect(Tensor.full([], 2.5).floats() == [2.5])
    }

    @Test func isFiniteSeesNotANumberAndInfinity() {
        #expect(Tensor([1, 2] as [Float], [2]).isFinite)
        #expect(!Tensor([1, .nan] as [Float], [2]).isFinite && !Tensor([.infinity, 1] as [Float], [2]).isFinite)
        #expect(!Tensor([.infinity, -.infinity] as [Double], [2]).isFinite)
        #expect(Tensor([1, 2] as [Float], [2]).converted(to: .bf16).isFinite)
        #expect(!Tensor([1, .nan] as [Float], [2]).converted(to: .bf16).isFinite)
        // A sum of large finite floats is no infinity: it is kept in Double.
        #expect(Tensor([Float](repeating: .greatestFiniteMagnitude, count: 8), [8]).isFinite)
    }

    @Test func wrongTypesAndShapesEndTheProcess() async {
        await #expect(processExitsWith: .failure) { _ = Tensor.zeros([2]).f64() }
        await #expect(processExitsWith: .failure) { _ = Tensor.zeros([2, 3]).reshaped([4]) }
        await #expect(processExitsWith: .failure) { _ = Tensor.zeros([2, 3]).rows(1..<3) }
        await #expect(processExitsWith: .failure) { _ = Tensor([1] as [Float], [2]) }
    }
}
