import Autograd
import Determinism
import NeuralLayers
import TensorCore
import TestSupport
import Testing

@testable import Distillation

/// The smallest backbone with class and patch tokens: a patch projection, one block unless told otherwise, a norm.
final class TinyBackbone: TokenBackbone {
    let width: Int
    let patchSize = 4
    let headCount = 2
    let embedding: Conv2d
    let classToken: Parameter
    let blocks: [TransformerBlock]
    let norm: LayerNorm
    var depth: Int { blocks.count }

    init(width: Int, depth: Int = 1, seed: UInt64) {
        self.width = width
        var stream = RandomStream(seed: seed, purpose: "tiny backbone")
        embedding = Conv2d(3, width, kernel: 4, stride: 4, initialization: .xavierUniform, &stream)
        classToken = Parameter(Initialization.normal(0.5).draw([1, width], fanIn: 1, fanOut: 1, &stream))
        blocks = (0..<depth).map { TransformerBlock(width: width, heads: 2, index: $0, &stream) }
        norm = LayerNorm(width)
    }

    static var slots: [Slot<TinyBackbone>] {
        [
            .parameter("cls_token", \.classToken), .layer("embed", \.embedding), .layers("blocks", \.blocks),
            .layer("norm", \.norm),
        ]
    }

    func tokens(of images: Variable, _ request: TokenRequest, _ forward: Forward) -> Tokens {
        let n = images.shape[0]
        let grid = (height: images.shape[1] / 4, width: images.shape[2] / 4)
        let count = grid.height * grid.width
        var patches = embedding(images, forward).reshaped([n, count, width])
        func rows(_ lists: [[Int32]]) -> [Int32] {
            lists.enumerated().flatMap { at, list in list.map { Int32(at * count) + $0 } }
        }
        if let masked = request.masked {
            let hidden = rows(masked.patches)
            let fill = masked.token.reshaped([1, width]).gatheringRows([Int32](repeating: 0, count: hidden.count))
            patches = fill.scatteringRows(hidden, into: patches)
        }
        if let visible = request.visible {
            patches = patches.gatheringRows(rows(visible)).reshaped([n, visible[0].count, width])
        }
        let starts = forward(classToken).gatheringRows([Int32](repeating: 0, count: n)).reshaped([n, 1, width])
        var (outputs, projections) = ([Variable](), [Variable]())
        var y = Variable.concatenated([starts, patches], axis: 1)
        for block in blocks {
            y = block(y, forward) { projections.append($0) }
            outputs.append(y)
        }
        let x = norm(y, forward)
        return Tokens(
            classToken: x.sliced(axis: 1, 0..<1).reshaped([n, width]), patches: x.sliced(axis: 1, 1..<x.shape[1]),
            taps: request.taps.map { outputs[$0] }, projections: request.projections.map { projections[$0] }, grid: grid
        )
    }
}

func normals(_ shape: [Int], seed: UInt64, scale: Double = 1, offset: Double = 0) -> Tensor {
    var stream = RandomStream(seed: seed, purpose: "test values")
    return Tensor((0..<shape.reduce(1, *)).map { _ in offset + scale * stream.normal() }, shape)
}

/// Student tokens that are trainable themselves, and teachers' tokens, in Double.
struct Scene {
    let model: DistillationModel<TinyBackbone>
    let cls: Parameter
    let patches: Parameter
    let teachers: [TeacherTokens]
    let grid = (height: 2, width: 3)

    init(
        _ fusion: Fusion, widths: [Int] = [5, 7, 6], names: [String] = ["mae", "moco", "ibot"], pictures: Int = 3,
        tokens: TokenSelection = .both
    ) {
        let specifications = zip(names, widths).map { TeacherSpecification(name: $0, width: $1) }
        model = DistillationModel(
            student: TinyBackbone(width: 4, seed: 1), teachers: specifications,
            DistillationOptions(fusion: fusion, tokens: tokens), seed: 7)
        for branch in model.teachers {
            // Larger than the usual start, so that every part of the loss matters.
            for (index, parameter) in branch.parameters.enumerated() where parameter.shape.count == 2 {
                parameter.value = normals(parameter.shape, seed: UInt64(100 + index) + nameSeed(branch)).converted(
                    to: .f32)
            }
        }
        model.convertParametersToDouble()
        cls = Parameter(normals([pictures, 4], seed: 2))
        patches = Parameter(normals([pictures, 6, 4], seed: 3))
        let grid = grid
        teachers = zip(names, widths).map { name, width in
            let seed = name.utf8.reduce(UInt64(0)) { $0 * 31 + UInt64($1) }
            return TeacherTokens(
                name: name, cls: normals([pictures, width], seed: seed, scale: 2, offset: 0.5),
                patches: normals([pictures, 6, width], seed: seed + 1, scale: 0.7, offset: -0.2), grid: grid)
        }
        // One training pass sets the statistics; later passes in evaluation mode leave them.
        _ = model.loss(StudentViews(tokens: student(.evaluation)), teacherTokens: teachers, Forward(mode: .training))
    }

    func student(_ forward: Forward) -> Tokens {
        Tokens(classToken: forward(cls), patches: forward(patches), grid: grid)
    }

    func loss(_ forward: Forward = .evaluation) -> (
        total: Variable, terms: [LossTerm], diagnostics: [TeacherDiagnostics]
    ) {
        let (terms, diagnostics) = model.loss(
            StudentViews(tokens: student(forward)), teacherTokens: teachers, forward)
        return (LossTerm.total(terms), terms, diagnostics)
    }

    /// The loss as a function of the parameters with the gate held at given shares.
    func loss(withGates gates: [TeacherDiagnostics]) -> Double {
        gates.reduce(0) { total, entry in
            let branch = model.teachers.first { $0.specification.name == entry.teacher }!
            let tokens = teachers.first { $0.name == entry.teacher }!
            let path = entry.tokenType == .cls ? branch.cls! : branch.patch!
            let target = path.standardizer.standardized(
                entry.tokenType == .cls ? tokens.cls : tokens.patches, .evaluation)
            let student = Variable(entry.tokenType == .cls ? cls.value : patches.value)
            let value = DistillationLoss()(
                path.adapter(AdapterInput(last: student), .evaluation), target: target, rowWeights: entry.gates)
            return total + value.item() / Double(model.options.tokens.types.count)
        }
    }

    var trainable: [Parameter] { [cls, patches] + model.teachers.flatMap(\.parameters) }
}

private func nameSeed(_ branch: TeacherBranch) -> UInt64 {
    branch.specification.name.utf8.reduce(UInt64(0)) { $0 * 17 + UInt64($1) }
}

/// The slope of `f` along one value, by central differences.
func slope(_ parameter: Parameter, _ index: Int, _ f: () -> Double) -> Double {
    let (pointer, step) = (parameter.value.f64(), 1e-5)
    let kept = pointer[index]
    defer { pointer[index] = kept }
    pointer[index] = kept + step
    let above = f()
    pointer[index] = kept - step
    return (above - f()) / (2 * step)
}

/// The gradient of a loss against differences along directions of all parameters: three, or as many as
/// `DMT_GRADIENT_DIRECTIONS` says.
func checkDirections(
    _ parameters: [Parameter], _ name: String, _ location: SourceLocation = #_sourceLocation,
    loss: @escaping (Tape?) -> Variable
) {
    let count = EnvironmentCount("DMT_GRADIENT_DIRECTIONS")
    let check = DirectionalCheck(parameters, loss: loss)
    let report = check.randomDirections(count.wanted ?? 3)
    #expect(report.worst < Tolerance.directionalCheck, "\(name): \(report)", sourceLocation: location)
    count.tell("\(name): \(check.valueCount) values, \(count.wanted ?? 0) directions, \(report.worst)")
}
