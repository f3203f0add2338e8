import Foundation
import NeuralLayers
import Testing

@Suite struct ScheduleTests {
    private func near(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-15 + 1e-14 * abs(b) }

    @Test func warmupRisesToTheBaseAndCosineFallsFromIt() {
        let rate = Schedule(.cosine, base: 1, final: 0.1, warmupSteps: 4, warmupStart: 0.2, totalSteps: 12)
        #expect(near(rate(0), 0.4) && near(rate(1), 0.6) && near(rate(3), 1))
        #expect(near(rate(4), 1))
        #expect(near(rate(8), 0.55))
        #expect(near(rate(6), 0.1 + 0.9 * 0.5 * (1 + cos(Double.pi / 4))))
        #expect(near(rate(12), 0.1) && near(rate(50), 0.1))
    }

    @Test func polynomialFollowsItsPower() {
        let rate = Schedule(.polynomial(power: 0.9), base: 0.01, totalSteps: 10)
        #expect(near(rate(0), 0.01))
        #expect(near(rate(5), 0.01 * pow(0.5, 0.9)))
        #expect(near(rate(9), 0.01 * pow(0.1, 0.9)))
        #expect(near(rate(10), 0))
    }

    @Test func stepsFallByTenAtEachMilestone() {
        let rate = Schedule(.steps([3, 6]), base: 1, warmupSteps: 2, totalSteps: 9)
        #expect(
            near(rate(0), 0.5) && near(rate(2), 1) && near(rate(3), 0.1) && near(rate(5), 0.1) && near(rate(6), 0.01))
    }

    @Test func constantStaysAfterWarmup() {
        let rate = Schedule(.constant, base: 0.3, warmupSteps: 3, totalSteps: 5)
        #expect(near(rate(0), 0.1) && near(rate(2), 0.3) && near(rate(4), 0.3))
    }
}
