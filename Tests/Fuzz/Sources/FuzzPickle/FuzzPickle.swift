import SafeFiles

@testable import CheckpointIO

/// The pickle of a checkpoint: any bytes end in a value or in a `DataError`; every tensor that is let in can be gathered
/// from a storage of its declared size.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzPickle(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    // Most inputs start with the protocol, so that the instructions behind it are reached.
    let bytes = input.starts(with: [0x80, 2]) ? input : [0x80, 2] + input
    do throws(DataError) {
        let contents = try PickleMachine.read(bytes, file: "f")
        var budget = 2000
        walk(contents.value, &budget)
    } catch {
        precondition(error.kind == .malformed && !error.remedy.isEmpty)
    }
    return 0
}

private func walk(_ value: PyTorchValue, _ budget: inout Int) {
    budget -= 1
    guard budget > 0 else { return }
    switch value {
    case .list(let items), .tuple(let items): for item in items { walk(item, &budget) }
    case .dict(let members):
        for member in members {
            walk(member.key, &budget)
            walk(member.value, &budget)
        }
    case .opaque(let opaque):
        for item in opaque.arguments { walk(item, &budget) }
        if let state = opaque.state { walk(state, &budget) }
    case .tensor(let tensor): gather(tensor)
    case .none, .bool, .int, .double, .string: break
    }
}

private func gather(_ tensor: PyTorchTensor) {
    guard tensor.storage.byteCount <= 1 << 12, tensor.byteCount <= 1 << 12, tensor.count > 0 else { return }
    let size = tensor.type.bitCount / 8
    let storage = [UInt8](repeating: 7, count: tensor.storage.byteCount)
    var target = [UInt8](repeating: 0, count: tensor.byteCount)
    let gather = StridedGather(shape: tensor.shape, strides: tensor.strides, offset: tensor.offset, elementSize: size)
    storage.withUnsafeBytes { storage in
        target.withUnsafeMutableBytes { target in
            let cut = storage.count / size / 2 * size
            let first = UnsafeRawBufferPointer(rebasing: storage[..<cut])
            if cut > 0 { gather.copy(from: first, at: 0, to: target.baseAddress!) }
            let second = UnsafeRawBufferPointer(rebasing: storage[cut...])
            gather.copy(from: second, at: cut / size, to: target.baseAddress!)
        }
    }
    precondition(target.allSatisfy { $0 == 7 }, "elements that no piece gave")
}
