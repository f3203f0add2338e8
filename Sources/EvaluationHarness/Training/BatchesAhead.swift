import Determinism
import Dispatch
import Synchronization

/// The views of coming steps, made on other threads while the present step computes.
///
///     let batches = BatchesAhead(steps: 400, items: plan.indices) { step, place, index in … }
///     defer { batches.stop() }
///     let (indices, views) = try batches.batch(step)
///
/// Each view is a pure function of its step, place and item, so which thread makes it changes nothing: the same views at
/// any number of threads. With one thread nothing runs beside the step. Views wait as 8-bit pictures, a quarter of the
/// memory of network input; normalising them costs no more than copying that input would.
final class BatchesAhead<View: Sendable>: Sendable {
    private struct Batch {
        var items: [Int]
        var views: [Result<View, any Error>?]
        var missing: Int
    }

    private struct State {
        /// Batches of released steps that no step has taken yet.
        var batches: [Int: Batch] = [:]
        /// The first step that is not released.
        var released = 0
        /// The next view to make.
        var step = 0
        var place = 0
        var workers = 0
        /// The step that somebody waits for.
        var awaited: Int?
        var isStopped = false
    }

    private let steps: Int
    private let ahead: Int
    private let threads: Int
    private let items: @Sendable (Int) -> [Int]
    /// The places of the batch that are made here; nil makes all.
    private let places: [Int]?
    private let make: @Sendable (_ step: Int, _ place: Int, _ item: Int) throws -> View
    private let state = Mutex(State())
    private let finished = DispatchSemaphore(value: 0)
    private let workers = DispatchGroup()

    /// - Parameters:
    ///   - firstStep: the first step that is taken.
    ///   - steps: how many steps there are, those before the first counted.
    ///   - ahead: how many batches may be ready or in the making besides the present one.
    ///   - threads: all but one of them make views beside the step.
    ///   - places: the places of the batch that are made here, in this order; all unless given.
    ///   - items: the samples of a step's batch, at least one.
    ///   - make: one view; called once for each of these places of each step, in order.
    init(
        from firstStep: Int = 0, steps: Int, ahead: Int = 2, threads: Int = Parallel.threadCount, places: [Int]? = nil,
        items: @escaping @Sendable (Int) -> [Int],
        make: @escaping @Sendable (_ step: Int, _ place: Int, _ item: Int) throws -> View
    ) {
        precondition(ahead >= 1, "batches ahead: \(ahead)")
        precondition(firstStep >= 0, "first step \(firstStep)")
        self.steps = steps
        self.ahead = ahead
        self.threads = threads
        self.items = { step in
            let all = items(step)
            return places.map { $0.map { all[$0] } } ?? all
        }
        self.places = places
        self.make = make
        state.withLock { ($0.released, $0.step) = (firstStep, firstStep) }
    }

    /// The items and views of a step; waits for those that are not ready, making some of them itself.
    ///
    /// - Throws: what making a view of this step threw, that of the first place; never an error of a later step.
    /// - Precondition: steps are taken in order from the first, each once, before `stop`.
    func batch(_ step: Int) throws -> (items: [Int], views: [View]) {
        precondition(step < steps, "step \(step) of \(steps)")
        startWorkers(upTo: min(step + ahead + 1, steps))
        while let job = next(before: step + 1) { run(job) }
        while true {
            let done: Batch? = state.withLock { state in
                guard let batch = state.batches[step] else { preconditionFailure("step \(step) was taken already") }
                state.awaited = batch.missing > 0 ? step : nil
                return batch.missing > 0 ? nil : state.batches.removeValue(forKey: step)
            }
            if let done { return (done.items, try done.views.map { try $0!.get() }) }
            finished.wait()
        }
    }

    /// Ends all making; returns when no view is in the making any more.
    func stop() {
        state.withLock { $0.isStopped = true }
        workers.wait()
    }

    private func startWorkers(upTo limit: Int) {
        // The order of an epoch is drawn outside the lock.
        let first = state.withLock { $0.released }
        let fresh = (min(first, limit)..<limit).map { ($0, items($0)) }
        let count = state.withLock { state in
            for (step, items) in fresh {
                state.batches[step] = Batch(
                    items: items, views: Array(repeating: nil, count: items.count), missing: items.count)
            }
            state.released = max(state.released, limit)
            let wanted = max(0, threads - 1 - state.workers)
            state.workers += wanted
            return wanted
        }
        for _ in 0..<count {
            workers.enter()
            DispatchQueue.global(qos: .utility).async {
                while let job = self.next(before: self.steps, isWorker: true) { self.run(job) }
                self.workers.leave()
            }
        }
    }

    private typealias Job = (step: Int, place: Int, item: Int)

    /// The next view of a released step before `limit`; a worker that gets none is counted out.
    private func next(before limit: Int, isWorker: Bool = false) -> Job? {
        state.withLock { state in
            guard !state.isStopped, state.step < min(limit, state.released), let batch = state.batches[state.step]
            else {
                if isWorker { state.workers -= 1 }
                return nil
            }
            let job = (state.step, state.place, batch.items[state.place])
            state.place += 1
            if state.place == batch.items.count { (state.step, state.place) = (state.step + 1, 0) }
            return job
        }
    }

    private func run(_ job: Job) {
        let view = Result { try make(job.step, places?[job.place] ?? job.place, job.item) }
        let isAwaited = state.withLock { state in
            state.batches[job.step]!.views[job.place] = view
            state.batches[job.step]!.missing -= 1
            return state.batches[job.step]!.missing == 0 && state.awaited == job.step
        }
        if isAwaited { finished.signal() }
    }
}
