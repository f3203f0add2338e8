import Autograd
import Determinism
import NeuralLayers
import TensorCore

extension DistillationModel {
    /// `w_i(p)`: for each token type one tensor a teacher, `(P, 1)`; nil where all teachers have 1/K.
    ///
    /// - Parameters:
    ///   - matches: for each teacher one match a token type.
    ///   - hidden: the rows of hidden patches among all patches of the batch.
    func shares(
        _ matches: [[TokenMatch]], _ branches: [TeacherBranch], hidden: [Int32]?, pictures: Int, patches: Int,
        _ forward: Forward
    ) -> [[Tensor]?] {
        let types = options.tokens.types
        switch options.fusion {
        case .single, .mean: return types.map { _ in nil }
        case .consensus(let temperature, let agreement):
            let gate = ConsensusGate(temperature: temperature, agreement: agreement)
            return types.enumerated().map { at, type in
                let matches = matches.map { $0[at] }
                // Hidden patches of all pictures are one group: not all pictures hide some.
                let affinities = matches.map(\.cosine.value)
                if type == .patch {
                    return gate.weights(
                        affinities: affinities,
                        targets: matches.map { $0.target.reshaped([pictures, patches, $0.columns]) })
                }
                // The batch is the group, on whatever ranks its pictures are.
                let gathered = matches.map { forward.group.gatheredRows($0.target) }
                return gate.weights(
                    affinities: affinities, targets: gathered.map { $0.all.reshaped([1] + $0.all.shape) },
                    rows: gathered[0].own)
            }
        case .dropping(let probability):
            // What the student says of hidden patches does not decide: only some pictures have them.
            let deciding = types.indices.filter { types[$0] != .hidden }
            // Draws go teacher by teacher: by name, so that the order given does not matter.
            let order = branches.indices.sorted { branches[$0].specification.name < branches[$1].specification.name }
            let losses = order.map { index in
                deciding.map { branches[index].specification.loss(types[$0]).tokenLosses(of: matches[index][$0]) }
            }
            let drawn = TeacherDropping(probability: probability).selection(
                losses: losses, pictures: pictures, RandomStream(seed: forward.seed, purpose: "teacher dropping"),
                group: forward.group)
            let kept = TeacherSelection(kept: branches.indices.map { drawn.kept[order.firstIndex(of: $0)!] })
            let dtype = matches[0][0].target.dtype
            return types.map { type in
                let weights = kept.weights(tokens: type == .cls ? 1 : patches, dtype, group: forward.group)
                guard type == .hidden else { return weights }
                return weights.map { Variable($0).gatheringRows(hidden ?? []).value }
            }
        }
    }
}
