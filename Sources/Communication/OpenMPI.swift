#if MPI
    import CMPI
    import Glibc

    /// The processes of one `mpirun` or `srun`, over Open MPI.
    ///
    /// Sums go through buckets of a few MiB: of each bucket every rank owns a slice, gets all ranks' terms of it, adds them
    /// in rank order and hands the sum to all. So the order of the terms is that of the ranks, whatever the network does.
    ///
    /// Calls come from one thread at a time. A rank that waits looks often at first and then sleeps between looks: ranks
    /// that share cores do not take time from those that still compute.
    final class OpenMPI: Communicator {
        let rank: Int
        let size: Int
        /// Ranks on this machine.
        let neighbours: Int
        /// Values of a bucket: 4 MiB of floats.
        private static let bucket = 1 << 20
        /// Sums of at most so many values go to all ranks at once: one exchange instead of two.
        private static let small = 2048

        /// Starts MPI; once in a process.
        init() {
            let world = dmt_mpi_start()
            precondition(world.is_serialized != 0, "Open MPI without MPI_THREAD_SERIALIZED")
            (rank, size, neighbours) = (Int(world.rank), Int(world.size), Int(world.neighbours))
        }

        /// Ends MPI when every rank has called it.
        func end() {
            barrier()
            dmt_mpi_end()
        }

        func barrier() {
            var request: MPI_Request?
            dmt_mpi_barrier(&request)
            var requests = Requests()
            requests.handles.append(request)
            requests.wait()
        }

        func allReduceSum(_ values: UnsafeMutablePointer<Float>, count: Int) {
            sum(values, count) { dmt_mpi_add_f32($0, $1, $2) }
        }

        func allReduceSum(_ values: UnsafeMutablePointer<Double>, count: Int) {
            sum(values, count) { dmt_mpi_add_f64($0, $1, $2) }
        }

        func gather(_ bytes: [UInt8]) -> [[UInt8]] {
            var lengths = [Double](repeating: 0, count: size)
            lengths[rank] = Double(bytes.count)
            lengths.withUnsafeMutableBufferPointer { allReduceSum($0.baseAddress!, count: size) }
            var parts = lengths.map { [UInt8](repeating: 0, count: Int($0)) }
            parts[rank] = bytes
            var requests = Requests()
            bytes.withUnsafeBytes { mine in
                for other in 0..<size where other != rank {
                    if let start = mine.baseAddress { requests.send(start, mine.count, to: other) }
                    // The storage is not touched until the messages are in.
                    parts[other].withUnsafeMutableBytes {
                        if let start = $0.baseAddress { requests.receive(start, $0.count, from: other) }
                    }
                }
                requests.wait()
            }
            return parts
        }

        private typealias Add<Value> = (UnsafeMutablePointer<Value>, UnsafePointer<Value>, Int) -> Void

        private func sum<Value>(_ values: UnsafeMutablePointer<Value>, _ count: Int, _ add: Add<Value>) {
            if count <= Self.small { return sumAtOnce(values, count, add) }
            var start = 0
            while start < count {
                let length = min(Self.bucket, count - start)
                sumBySlices(values + start, length, add)
                start += length
            }
        }

        /// Every rank gets all terms of all values and adds them itself.
        private func sumAtOnce<Value>(_ values: UnsafeMutablePointer<Value>, _ count: Int, _ add: Add<Value>) {
            if count == 0 { return }
            exchange(sending: { _ in (values, count) }, count) { terms in
                total(terms, own: values, count, add)
            } into: {
                values.update(from: $0, count: count)
            }
        }

        /// Every rank adds the terms of its own slice; then all get all slices.
        private func sumBySlices<Value>(_ values: UnsafeMutablePointer<Value>, _ count: Int, _ add: Add<Value>) {
            let slices = (0..<size).map { $0 * count / size..<($0 + 1) * count / size }
            let mine = slices[rank]
            exchange(sending: { (values + slices[$0].lowerBound, slices[$0].count) }, mine.count) { terms in
                total(terms, own: values + mine.lowerBound, mine.count, add)
            } into: {
                (values + mine.lowerBound).update(from: $0, count: mine.count)
            }
            var requests = Requests()
            let stride = MemoryLayout<Value>.stride
            for other in 0..<size where other != rank {
                requests.send(values + mine.lowerBound, mine.count * stride, to: other)
                requests.receive(values + slices[other].lowerBound, slices[other].count * stride, from: other)
            }
            requests.wait()
        }

        /// Sends something to each other rank and gets `count` values from each.
        private func exchange<Value>(
            sending part: (Int) -> (start: UnsafeMutablePointer<Value>, count: Int), _ count: Int,
            _ combine: ([UnsafeMutablePointer<Value>?]) -> UnsafeMutablePointer<Value>,
            into finish: (UnsafePointer<Value>) -> Void
        ) {
            let stride = MemoryLayout<Value>.stride
            let room = UnsafeMutablePointer<Value>.allocate(capacity: max(1, count * size))
            defer { room.deallocate() }
            var requests = Requests()
            var terms: [UnsafeMutablePointer<Value>?] = []
            for other in 0..<size {
                terms.append(other == rank ? nil : room + other * count)
                if other == rank { continue }
                let piece = part(other)
                requests.send(piece.start, piece.count * stride, to: other)
                requests.receive(room + other * count, count * stride, from: other)
            }
            requests.wait()
            finish(combine(terms))
        }

        /// The sum in rank order, in the room of rank 0's terms or, on rank 0, in its own values.
        private func total<Value>(
            _ terms: [UnsafeMutablePointer<Value>?], own: UnsafeMutablePointer<Value>, _ count: Int, _ add: Add<Value>
        ) -> UnsafeMutablePointer<Value> {
            let sum = terms[0] ?? own
            for term in terms.dropFirst() { add(sum, term ?? own, count) }
            return sum
        }
    }

    /// Messages on their way.
    private struct Requests {
        var handles: [MPI_Request?] = []

        mutating func send(_ bytes: UnsafeRawPointer, _ count: Int, to rank: Int) {
            for offset in stride(from: 0, to: count, by: Int(DMT_MPI_PIECE)) {
                var handle: MPI_Request?
                dmt_mpi_send(bytes + offset, min(count - offset, Int(DMT_MPI_PIECE)), Int32(rank), &handle)
                handles.append(handle)
            }
        }

        mutating func receive(_ bytes: UnsafeMutableRawPointer, _ count: Int, from rank: Int) {
            for offset in stride(from: 0, to: count, by: Int(DMT_MPI_PIECE)) {
                var handle: MPI_Request?
                dmt_mpi_receive(bytes + offset, min(count - offset, Int(DMT_MPI_PIECE)), Int32(rank), &handle)
                handles.append(handle)
            }
        }

        /// Returns when all have arrived.
        mutating func wait() {
            let clock = ContinuousClock()
            let start = clock.now
            var next = Duration.milliseconds(100)
            while dmt_mpi_are_done(Int32(handles.count), &handles) == 0 {
                let waited = clock.now - start
                if waited < .milliseconds(1) {
                    sched_yield()
                } else {
                    usleep(waited < .milliseconds(20) ? 50 : 500)
                }
                if waited > next {
                    World.tellOfWaiting(waited)
                    next = waited + .milliseconds(100)
                }
            }
        }
    }
#endif
