import Testing

@testable import Determinism

@Suite struct SHA256Tests {
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func nistVectors(text: String, digest: String) {
        #expect(SHA256.hex(text) == digest)
    }

    @Test func aMillionLettersInUnevenPieces() {
        var hash = SHA256()
        var left = 1_000_000
        var piece = 1
        while left > 0 {
            let count = min(piece, left)
            hash.update([UInt8](repeating: 0x61, count: count))
            left -= count
            piece = piece * 7 % 1013 + 1
        }
        #expect(hash.hex() == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }
}

@Suite struct RandomStreamTests {
    @Test func philoxMatchesTheAuthorsKnownAnswers() {
        // Random123 distribution, kat_vectors: philox4x32 10, all zeros and all ones.
        let zero = RandomStream.philox(counter: 0, high: 0, key: 0)
        #expect(zero.0 == 0xe169_c58d_6627_e8d5 && zero.1 == 0x9b00_dbd8_bc57_ac4c)
        let ones = RandomStream.philox(counter: .max, high: .max, key: .max)
        #expect(ones.0 == 0x41c8_3b0e_408f_276d && ones.1 == 0x6d54_51fd_a20b_c7c6)
    }

    @Test func streamsOfDifferentCoordinatesDiffer() {
        var first = RandomStream(seed: 1, purpose: "a", 1, 2)
        var again = RandomStream(seed: 1, purpose: "a", 1, 2)
        var other = RandomStream(seed: 1, purpose: "a", 2, 1)
        let draws = (0..<8).map { _ in first.next() }
        #expect(draws == (0..<8).map { _ in again.next() })
        #expect(draws != (0..<8).map { _ in other.next() })
    }

    @Test func momentsOfTheNormal() {
        var stream = RandomStream(seed: 3, purpose: "normal")
        let draws = (0..<100_000).map { _ in stream.normal() }
        let mean = draws.reduce(0, +) / 1e5
        let variance = draws.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / 1e5
        #expect(abs(mean) < 0.013 && abs(variance - 1) < 0.02)  // four standard errors
    }

    @Test func permutationsAreFair() {
        var counts = [String: Int]()
        for key in 0..<6000 {
            var stream = RandomStream(seed: 9, purpose: "p", UInt64(key))
            counts[stream.permutation(3).description, default: 0] += 1
        }
        #expect(counts.count == 6)
        #expect(counts.values.allSatisfy { abs($0 - 1000) < 140 })
    }
}

@Suite struct ParallelTests {
    @Test(arguments: [1, 2, 5])
    func everyIndexRunsOnce(threads: Int) {
        let before = Parallel.threadCount
        Parallel.setThreadCount(threads)
        defer { Parallel.setThreadCount(before) }
        for count in [0, 1, 2, 17] {
            let seen = UnsafeMutablePointer<Int>.allocate(capacity: max(count, 1))
            seen.initialize(repeating: 0, count: max(count, 1))
            Parallel.forEach(count) { seen[$0] += 1 }
            #expect((0..<count).allSatisfy { seen[$0] == 1 })
            seen.deallocate()
        }
    }
}

@Suite struct SkippingTests {
    @Test func aSkippedStreamGoesOnWhereItWouldBe() {
        for taken in 0...3 {
            for skipped in 0...5 {
                var stream = RandomStream(seed: 4, purpose: "skip", 9)
                for _ in 0..<taken { _ = stream.next() }
                var short = stream.skipping(skipped)
                for _ in 0..<skipped { _ = stream.next() }
                for _ in 0..<3 { #expect(short.next() == stream.next()) }
            }
        }
    }
}
