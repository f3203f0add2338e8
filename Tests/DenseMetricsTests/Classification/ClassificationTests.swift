import Determinism
import Foundation
import Testing

@testable import DenseMetrics

/// k-NN votes in Double with a full sort: the twin of the fast path.
private func naiveVote(
    _ query: [Float], _ bank: [[Float]], _ labels: [Int], classCount: Int, k: Int, temperature: Double
) -> Int {
    func unit(_ row: [Float]) -> [Double] {
        let length = row.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        return row.map { length > 0 ? Double($0) / length : 0 }
    }
    let q = unit(query)
    let similarities = bank.map { row in zip(q, unit(row)).reduce(0.0) { $0 + $1.0 * $1.1 } }
    let order = similarities.indices.sorted { (-similarities[$0], $0) < (-similarities[$1], $1) }
    var scores = [Double](repeating: 0, count: classCount)
    for i in order.prefix(k) { scores[labels[i]] += exp(similarities[i] / temperature) }
    return scores.indices.max { (scores[$0], -$0) < (scores[$1], -$1) }!
}

@Suite struct ClassificationTests {
    @Test func aRankingTakesTheLowerIndexOfATieAndNeverNaN() {
        let rankings = TopAccuracy.rankings(
            scores: [0.1, 0.7, 0.7, .nan, -1, -2, .nan, .nan, .nan], classCount: 3)
        #expect(rankings == [[1, 2, 0], [1, 2], []])
        let metric = TopAccuracy.metric(rankings: rankings, labels: [1, 2, 0])
        #expect(metric.value == 1.0 / 3 && metric.sampleCount == 3)
        #expect(TopAccuracy.metric(rankings: rankings, labels: [1, 2, 0], k: 2).value == 2.0 / 3)
        #expect(TopAccuracy.metric(rankings: [], labels: []).reason == "no items")
    }

    @Test(arguments: [1, 5, 40]) func aRankingEqualsTheSortedTwin(_ limit: Int) {
        var stream = RandomStream(seed: 3, purpose: "rankings", UInt64(limit))
        // Few distinct scores: many ties.
        let scores = (0..<30 * 17).map { _ in Float(stream.int(below: 6)) }
        let rankings = TopAccuracy.rankings(scores: scores, classCount: 17, limit: limit)
        for (row, ranking) in rankings.enumerated() {
            let own = scores[row * 17..<(row + 1) * 17].map { $0 }
            let sorted = own.indices.sorted { (-own[$0], $0) < (-own[$1], $1) }
            #expect(ranking == Array(sorted.prefix(limit)))
        }
    }

    @Test func aPerfectScoreHasAnIntervalAnyway() throws {
        let metric = TopAccuracy.metric(rankings: [[0], [1], [1]], labels: [0, 1, 1])
        let interval = try #require(metric.interval)
        #expect(metric.value == 1 && metric.standardError == 0 && interval.upper == 1 && interval.lower < 0.5)
    }

    @Test(arguments: [(1, 3), (5, 8), (20, 17)])
    func votesEqualTheSortedTwin(_ k: Int, _ width: Int) {
        var stream = RandomStream(seed: 9, purpose: "knn", UInt64(k))
        func row() -> [Float] { (0..<width).map { _ in Float(stream.normal()) } }
        let bank = (0..<60).map { _ in row() }
        let labels = (0..<60).map { _ in stream.int(below: 4) }
        let queries = (0..<25).map { _ in row() }
        let votes = NeighbourVotes(
            bank: bank.flatMap { $0 }, labels: labels, width: width, classCount: 4, neighbourCount: k)
        let expected = queries.map {
            naiveVote($0, bank, labels, classCount: 4, k: k, temperature: 0.07)
        }
        #expect(votes.predictions(queries: queries.flatMap { $0 }) == expected)
    }

    @Test func tiesGoToTheEarlierRowAndTheLowerClass() {
        // Three equal rows: with k = 1 the first votes, whatever its class.
        let same: [Float] = [1, 0, 1, 0, 1, 0]
        #expect(
            NeighbourVotes(bank: same, labels: [2, 0, 1], width: 2, classCount: 3, neighbourCount: 1)
                .predictions(queries: [3, 0]) == [2])
        // With k = 3 all scores are equal: the lowest class wins.
        #expect(
            NeighbourVotes(bank: same, labels: [2, 0, 1], width: 2, classCount: 3, neighbourCount: 3)
                .predictions(queries: [3, 0]) == [0])
        // Of four classes the one without a vote is not listed.
        #expect(
            NeighbourVotes(bank: same, labels: [2, 0, 1], width: 2, classCount: 4, neighbourCount: 3)
                .rankings(queries: [3, 0]) == [[0, 1, 2]])
    }

    @Test func leavingOutSkipsThePictureItself() {
        let bank: [Float] = [1, 0, 0, 1]
        let votes = NeighbourVotes(bank: bank, labels: [0, 1], width: 2, classCount: 2, neighbourCount: 1)
        #expect(votes.predictions(queries: bank) == [0, 1])
        #expect(votes.predictions(queries: bank, leavingOut: [0, 1]) == [1, 0])
        let single = NeighbourVotes(bank: [1, 0], labels: [0], width: 2, classCount: 1, neighbourCount: 1)
        #expect(single.predictions(queries: [1, 0], leavingOut: [0]) == [nil])
    }

    @Test func scaleOfFeaturesDoesNotMatter() {
        let votes = NeighbourVotes(
            bank: [100, 1, 0.001, 0.002], labels: [0, 1], width: 2, classCount: 2, neighbourCount: 1)
        #expect(votes.predictions(queries: [1e-6, 0, 5e7, 1e8]) == [0, 1])
    }
}
