import Foundation
import Testing

@testable import EvaluationHarness

@Suite struct MetricsLogTests {
    private func record(_ path: String, _ steps: ClosedRange<Int>, resumingAt: Int? = nil) throws {
        let log = try MetricsLog(path, resumingAt: resumingAt)
        for step in steps { try log.append(step: step, [("loss", 1 / Double(step)), ("rate", 1e-3)]) }
    }

    @Test func everyCutHealsToTheSameBytes() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/metrics.jsonl"
            try record(path, 1...6)
            let whole = try Data(contentsOf: URL(fileURLWithPath: path))
            #expect(
                String(decoding: whole, as: UTF8.self).hasPrefix(
                    "{\"step\":1,\"loss\":1.0,\"rate\":0.001}\n{\"step\":2,"))
            for cut in 1...whole.count {
                let rest = whole.dropLast(cut)
                try rest.write(to: URL(fileURLWithPath: path))
                let kept = rest.count { $0 == UInt8(ascii: "\n") }
                if kept < 6 { try record(path, (kept + 1)...6) }
                #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == whole, "cut \(cut)")
            }
        }
    }

    @Test func resumingDropsLaterSteps() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/metrics.jsonl"
            try record(path, 1...6)
            let whole = try text(of: path)
            try record(path, 4...6, resumingAt: 3)
            #expect(try text(of: path) == whole)
            _ = try MetricsLog(path, resumingAt: 0)
            #expect(try text(of: path).isEmpty)
        }
    }

    @Test func rubbishEndsTheLog() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/metrics.jsonl"
            try write("{\"step\":1,\"a\":1}\nnonsense\n{\"step\":2,\"a\":1}\n", to: path)
            _ = try MetricsLog(path)
            #expect(try text(of: path) == "{\"step\":1,\"a\":1}\n")
        }
    }
}
