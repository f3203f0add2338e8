import Autograd
import NeuralLayers
import TensorCore
import Testing

@testable import Distillation

struct FusionTests {
    @Test func sharesAddUpToOneAtEveryToken() {
        let scene = Scene(.consensus(temperature: 0.2))
        let diagnostics = scene.loss().diagnostics
        for type in TokenSelection.both.types {
            let gates = diagnostics.filter { $0.tokenType == type }.map { $0.gates!.doubles() }
            #expect(gates.count == 3 && gates[0].count == (type == .cls ? 3 : 18))
            for token in gates[0].indices {
                #expect(abs(gates.reduce(0) { $0 + $1[token] } - 1) < 1e-12)
                #expect(gates.allSatisfy { $0[token] > 0 })
            }
            #expect(gates[0].contains { abs($0 - 1 / 3.0) > 0.01 })
        }
    }

    @Test(arguments: [Fusion.mean, .consensus(temperature: 0.2)])
    func orderOfTeachersChangesNothing(_ fusion: Fusion) {
        let first = Scene(fusion)
        let second = Scene(fusion, widths: [6, 5, 7], names: ["ibot", "mae", "moco"])
        let (a, b) = (first.loss(), second.loss())
        #expect(abs(a.total.item() - b.total.item()) < 1e-12)
        for entry in a.diagnostics {
            let other = b.diagnostics.first { $0.teacher == entry.teacher && $0.tokenType == entry.tokenType }!
            #expect(abs(entry.gate - other.gate) < 1e-12 && abs(entry.cosine - other.cosine) < 1e-12)
        }
        let shuffled = first.model.loss(
            StudentViews(tokens: first.student(.evaluation)), teacherTokens: first.teachers.reversed(), .evaluation)
        #expect(LossTerm.total(shuffled.terms).item() == a.total.item())
    }

    @Test func consensusOfOneIsThatTeacher() {
        let gated = Scene(.consensus(temperature: 0.2), widths: [7], names: ["moco"])
        let single = Scene(.single("moco"), widths: [7], names: ["moco"])
        let among = Scene(.single("moco"))
        #expect(abs(gated.loss().total.item() - single.loss().total.item()) < 1e-12)
        #expect(abs(among.loss().total.item() - single.loss().total.item()) < 1e-12)
        #expect(among.model.teacherNames == ["moco"])
    }

    @Test func meanIsTheMeanOfSingles() {
        let names = ["mae", "moco", "ibot"]
        let singles = names.map { Scene(.single($0)).loss().total.item() }
        let mean = Scene(.mean).loss().total.item()
        #expect(abs(mean - singles.reduce(0, +) / 3) < 1e-12)
        let warm = Scene(.consensus(temperature: 1e9)).loss().total.item()
        #expect(abs(warm - mean) < 1e-8)
        #expect(abs(Scene(.consensus(temperature: 0.1)).loss().total.item() - mean) > 1e-3)
    }

    @Test func agreementIsItsFormula() {
        let targets = [normals([2, 4, 3], seed: 1), normals([2, 4, 5], seed: 2), normals([2, 4, 4], seed: 3)]
        let agreements = ConsensusGate().agreements(among: targets).map { $0.doubles() }
        func cosine(_ a: [Double], _ b: [Double]) -> Double {
            func dot(_ x: [Double], _ y: [Double]) -> Double { zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } }
            return dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
        }
        func token(_ teacher: Int, _ picture: Int, _ p: Int) -> [Double] {
            let width = targets[teacher].shape[2]
            let start = (picture * 4 + p) * width
            return Array(targets[teacher].doubles()[start..<start + width])
        }
        for picture in 0..<2 {
            for p in 0..<4 {
                let profiles = (0..<3).map { teacher in
                    (0..<4).filter { $0 != p }.map { cosine(token(teacher, picture, p), token(teacher, picture, $0)) }
                }
                let expected = (cosine(profiles[0], profiles[1]) + cosine(profiles[0], profiles[2])) / 2
                #expect(abs(agreements[0][picture * 4 + p] - expected) < 1e-12)
            }
        }
        let second = normals([2, 4, 3], seed: 9)
        let direct = ConsensusGate(agreement: .directCosine).agreements(among: [targets[0], second])
        let other = second.doubles()
        #expect(abs(direct[0].doubles()[5] - cosine(token(0, 1, 1), Array(other[15..<18]))) < 1e-12)
    }

    @Test func teachersThatAgreeOutweighTheOdd() {
        let base = normals([1, 12, 3], seed: 4).doubles()
        // The second teacher says the same in a space of another width.
        let wide = (0..<12).flatMap { (p: Int) -> [Double] in
            let (x, y, z): (Double, Double, Double) = (base[p * 3], base[p * 3 + 1], base[p * 3 + 2])
            return [0, y, -x, z, 0]
        }
        let targets = [Tensor(base, [1, 12, 3]), Tensor(wide, [1, 12, 5]), normals([1, 12, 4], seed: 6)]
        let gate = ConsensusGate(temperature: 0.25)
        let pair = gate.agreements(among: Array(targets.prefix(2))).flatMap { $0.doubles() }
        #expect(pair.allSatisfy { abs($0 - 1) < 1e-12 })
        let affinities = targets.map { _ in Tensor.full([12, 1], 0.5, .f64) }
        let means = gate.weights(affinities: affinities, targets: targets).map { Variable($0).mean().item() }
        #expect(abs(means[0] - means[1]) < 1e-12 && means[0] > means[2] + 0.1)
    }

    @Test func aGroupOfOneIsUniform() {
        let targets = [normals([1, 1, 3], seed: 1), normals([1, 1, 5], seed: 2)]
        let affinities = [Tensor([0.9], [1, 1]), Tensor([-0.3], [1, 1])]
        let weights = ConsensusGate().weights(affinities: affinities, targets: targets)
        #expect(weights.flatMap { $0.doubles() } == [0.5, 0.5])
    }
}
