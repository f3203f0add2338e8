import Determinism
import SafeFiles
import Synchronization
import Testing

@testable import EvaluationHarness

/// What a batch's views were made from, and when.
private final class Log: Sendable {
    let made = Mutex<[Int]>([])
    func add(_ step: Int) { made.withLock { $0.append(step) } }
    var latest: Int { made.withLock { $0.max() ?? -1 } }
    var count: Int { made.withLock { $0.count } }
}

@Suite struct BatchesAheadTests {
    private func work(_ step: Int, _ place: Int, _ item: Int) -> UInt64 {
        var stream = RandomStream(seed: 7, purpose: "batch test", UInt64(step), UInt64(place), UInt64(item))
        return (0..<200).reduce(0) { sum, _ in sum &+ UInt64(stream.int(below: 1 << 20)) }
    }

    @Test(arguments: [1, 2, 4]) func sameViewsAtAnyNumberOfThreads(threads: Int) throws {
        let batches = BatchesAhead(
            steps: 30, threads: threads, items: { step in (0..<1 + step % 5).map { $0 * 3 + step } }
        ) {
            work($0, $1, $2)
        }
        defer { batches.stop() }
        for step in 0..<30 {
            let (items, views) = try batches.batch(step)
            #expect(items == (0..<1 + step % 5).map { $0 * 3 + step })
            #expect(views == items.indices.map { work(step, $0, items[$0]) }, "step \(step)")
        }
    }

    @Test(arguments: [1, 3]) func stepsMayBeginAnywhere(threads: Int) throws {
        let log = Log()
        let batches = BatchesAhead(from: 7, steps: 12, threads: threads, items: { [$0, $0 + 1] }) {
            log.add($0)
            return work($0, $1, $2)
        }
        defer { batches.stop() }
        for step in 7..<12 {
            let (items, views) = try batches.batch(step)
            #expect(items == [step, step + 1] && views == items.indices.map { work(step, $0, items[$0]) })
        }
        #expect(log.count == 10 && log.made.withLock { $0.min() } == 7)
    }

    /// An error comes at the step that needs the view, that of the first place, and names the file.
    @Test(arguments: [1, 2, 4]) func errorsComeAtTheirStep(threads: Int) throws {
        let batches = BatchesAhead(steps: 10, threads: threads, items: { _ in [0, 1, 2] }) { step, place, _ in
            if step == 4 && place > 0 {
                throw DataError(
                    .malformed, file: "\(place).jpg", expected: "a picture", found: "none", remedy: "look")
            }
            return step * 10 + place
        }
        defer { batches.stop() }
        for step in 0..<4 { #expect(try batches.batch(step).views == [0, 1, 2].map { step * 10 + $0 }) }
        let error = #expect(throws: DataError.self) { try batches.batch(4) }
        #expect(error?.file == "1.jpg")
    }

    /// Never further ahead than allowed, and nothing is made once `stop` has returned.
    @Test func theQueueIsBoundedAndStops() throws {
        let log = Log()
        let batches = BatchesAhead(steps: 1000, ahead: 2, threads: 4, items: { _ in Array(0..<4) }) {
            step, place, item in
            log.add(step)
            return work(step, place, item)
        }
        for step in 0..<20 {
            _ = try batches.batch(step)
            #expect(log.latest <= step + 2)
        }
        batches.stop()
        let made = log.count
        #expect(made >= 80 && made <= 88)
        for _ in 0..<100 { _ = work(0, 0, 0) }
        #expect(log.count == made)
    }

    /// With one thread nothing is made before its step asks.
    @Test func oneThreadMakesNothingAhead() throws {
        let log = Log()
        let batches = BatchesAhead(steps: 5, threads: 1, items: { _ in [0, 1] }) { step, _, _ in log.add(step) }
        defer { batches.stop() }
        for step in 0..<3 {
            _ = try batches.batch(step)
            #expect(log.latest == step && log.count == 2 * (step + 1))
        }
    }
}
