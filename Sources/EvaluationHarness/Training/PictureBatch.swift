import DenseData
import Determinism
import ImageFiles
import SafeFiles

/// Pictures decoded side by side.
enum PictureBatch {
    /// All pictures of a folder, in its order.
    ///
    /// - Throws: the error of the first picture, in order, that does not decode.
    static func decode(_ folder: PictureFolder) throws(DataError) -> [Picture] {
        try map(folder.count) { index throws(DataError) in try folder.sample(at: index).picture }
    }

    /// `body` of every index, in parallel; the results are in index order.
    static func map<Value>(_ count: Int, _ body: (Int) throws(DataError) -> Value) throws(DataError) -> [Value] {
        let slots = UnsafeMutablePointer<Result<Value, DataError>?>.allocate(capacity: max(count, 1))
        slots.initialize(repeating: nil, count: count)
        defer {
            slots.deinitialize(count: count)
            slots.deallocate()
        }
        Parallel.forEach(count) { index in
            do throws(DataError) { slots[index] = .success(try body(index)) } catch { slots[index] = .failure(error) }
        }
        var values: [Value] = []
        values.reserveCapacity(count)
        for index in 0..<count { values.append(try slots[index]!.get()) }
        return values
    }
}
