import Testing

@testable import Reporting

/// Against scipy 1.17.1: `stats.t.sf`, `stats.ttest_rel`.
struct PairedSeedsTests {
    @Test(
        "tails of t",
        arguments: [
            (1.0, 1.0, 0.5), (2.0, 4.302652729911275, 0.04999999999651663),
            (4.0, 2.7764451051977987, 0.04999999999999977), (9.0, 0.5, 0.6290712998260263),
            (30.0, 6.0, 1.3942768767204764e-06),
        ])
    func tail(_ freedom: Double, _ t: Double, _ expected: Double) {
        let found = StudentT(degreesOfFreedom: freedom).twoSidedTail(t)
        #expect(abs(found - expected) < 1e-9 * expected)
        #expect(StudentT(degreesOfFreedom: freedom).twoSidedTail(-t) == found)
    }

    @Test("the quantile undoes the tail") func quantile() {
        for freedom in [1.0, 2, 3, 5, 17, 400] {
            let distribution = StudentT(degreesOfFreedom: freedom)
            for level in [0.5, 0.9, 0.95, 0.999] {
                #expect(abs(distribution.twoSidedTail(distribution.twoSidedQuantile(level)) - (1 - level)) < 1e-10)
            }
        }
        #expect(abs(StudentT(degreesOfFreedom: 2).twoSidedQuantile(0.95) - 4.302652729911275) < 1e-9)
    }

    @Test("the paired test") func paired() throws {
        let found = try #require(PairedSeeds([0.41, 0.43, 0.40], [0.39, 0.415, 0.396]))
        #expect(abs(found.difference - 0.013) < 1e-15)
        #expect(abs(found.pValue - 0.11064538115242065) < 1e-12)
        #expect(abs(found.interval.lower + 0.007333543504588416) < 1e-12)
        #expect(abs(found.interval.upper - 0.0333335435045884) < 1e-12)
        #expect(found.seedCount == 3)
    }

    @Test("without noise or with one seed") func edges() throws {
        #expect(PairedSeeds([1], [2]) == nil)
        #expect(PairedSeeds([1, .nan], [2, 2]) == nil)
        #expect(try #require(PairedSeeds([1, 2], [1, 2])).pValue == 1)
        #expect(try #require(PairedSeeds([2, 3], [1, 2])).pValue == 0)
    }

    @Test("Holm's adjustment keeps the order and never falls") func holm() {
        let found = PairedSeeds.holm([0.01, 0.04, 0.03, 0.005, 0.8])
        for (value, expected) in zip(found, [0.04, 0.09, 0.09, 0.025, 0.8]) { #expect(abs(value - expected) < 1e-15) }
        #expect(PairedSeeds.holm([]).isEmpty)
    }
}
