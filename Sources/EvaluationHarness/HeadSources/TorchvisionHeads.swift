import Autograd
import CheckpointIO
import DenseHeads
import SafeFiles
import TensorCore

/// The heads of torchvision's Mask R-CNN, read into a detector: region proposals, boxes, masks and, where the detector has
/// one, the feature pyramid network.
///
/// The background class moves from the first place to the last; its box corrections and masks, which are never used, are
/// left behind. Torchvision's own backbones (`backbone.body.*`) are not read.
///
/// - Source: torchvision `models/detection/{faster_rcnn,mask_rcnn,rpn}.py`, the names before and after their version 2.
enum TorchvisionHeads {
    /// - Throws: `DataError` naming every tensor that is missing, left over or of another shape; nothing is changed then.
    static func load(_ path: String, into detector: MaskRCNN) throws(DataError) {
        let file = try CheckpointFile.open(path)
        let convolutions = file.entries.compactMap { boxConvolution($0.name) }.max().map { $0 + 1 } ?? 0
        var tensors: [String: Tensor] = [:]
        for (key, tensor) in try file.tensors(where: { !isStranger($0) }) {
            let (name, edit) = renamed(key, boxConvolutions: convolutions)
            tensors[name] = edit(tensor)
        }
        let pyramid = detector.stateEntries().map(\.name).filter { $0.hasPrefix("backbone.") && !$0.hasPrefix(neck) }
        let hasNeck = detector.stateEntries().contains { $0.name.hasPrefix(neck) }
        if !hasNeck { tensors = tensors.filter { !$0.key.hasPrefix(neck) } }
        try ModelFile.load(tensors, into: detector, file: path, ignoring: Set(pyramid))
    }

    private static let neck = "backbone.neck."

    private static func isStranger(_ key: String) -> Bool {
        key.hasPrefix("backbone.body.") || key.hasSuffix("num_batches_tracked")
    }

    /// The index of a convolution of the box head, whose block holds it at 0 and its norm at 1.
    private static func boxConvolution(_ key: String) -> Int? {
        let parts = key.split(separator: ".")
        return parts.count == 5 && key.hasPrefix("roi_heads.box_head.") && parts[3] == "0" ? Int(parts[2]) : nil
    }

    private static func renamed(
        _ key: String, boxConvolutions: Int
    ) -> (name: String, edit: (Tensor) -> Tensor) {
        let keep: (Tensor) -> Tensor = { $0 }
        func tail(_ prefix: String) -> String? {
            key.hasPrefix(prefix) ? String(key.dropFirst(prefix.count)) : nil
        }
        let simple = [
            ("rpn.head.conv.0.0.", "proposal_generator.rpn_head.conv."),
            ("rpn.head.cls_logits.", "proposal_generator.rpn_head.objectness_logits."),
            ("rpn.head.bbox_pred.", "proposal_generator.rpn_head.anchor_deltas."),
            ("roi_heads.box_head.fc6.", "roi_heads.box_head.fc1."),
            ("roi_heads.box_head.fc7.", "roi_heads.box_head.fc2."),
            ("roi_heads.mask_predictor.conv5_mask.", "roi_heads.mask_head.deconv."),
        ]
        for (theirs, ours) in simple {
            if let leaf = tail(theirs) { return (ours + leaf, keep) }
        }
        if let leaf = tail("rpn.head.conv.") {
            // Before version 2 the only convolution stood here.
            return ("proposal_generator.rpn_head.conv.\(leaf)", keep)
        }
        if let leaf = tail("roi_heads.box_predictor.cls_score.") {
            return ("roi_heads.box_predictor.cls_score.\(leaf)", { movedLast($0, rows: 1) })
        }
        if let leaf = tail("roi_heads.box_predictor.bbox_pred.") {
            return ("roi_heads.box_predictor.bbox_pred.\(leaf)", { dropped($0, rows: 4) })
        }
        if let leaf = tail("roi_heads.mask_predictor.mask_fcn_logits.") {
            return ("roi_heads.mask_head.predictor.\(leaf)", { dropped($0, rows: 1) })
        }
        let parts = key.split(separator: ".").map(String.init)
        if parts.count == 5, let index = Int(parts[2]) {
            // Blocks of a convolution and its norm.
            let norm = parts[3] == "1" ? "norm." : ""
            if parts[1] == "box_head" { return ("roi_heads.box_head.conv\(index + 1).\(norm)\(parts[4])", keep) }
            if parts[1] == "mask_head" { return ("roi_heads.mask_head.mask_fcn\(index + 1).\(norm)\(parts[4])", keep) }
        }
        if parts.count == 4, parts[1] == "box_head", let index = Int(parts[2]) {
            // Linear layers and their activations follow the convolutions and the flattening.
            return ("roi_heads.box_head.fc\((index - boxConvolutions - 1) / 2 + 1).\(parts[3])", keep)
        }
        if parts.count >= 5, parts[0] == "backbone", parts[1] == "fpn", let level = Int(parts[3]) {
            let kind = parts[2] == "inner_blocks" ? "lateral_convs" : "fpn_convs"
            return ("\(neck)\(kind).\(level).conv.\(parts[parts.count - 1])", keep)
        }
        return (key, keep)
    }

    private static func dropped(_ tensor: Tensor, rows: Int) -> Tensor {
        tensor.shape.first ?? 0 > rows ? tensor.rows(rows..<tensor.shape[0]) : tensor
    }

    private static func movedLast(_ tensor: Tensor, rows: Int) -> Tensor {
        guard tensor.shape.first ?? 0 > rows else { return tensor }
        return Variable.concatenated(
            [Variable(tensor.rows(rows..<tensor.shape[0])), Variable(tensor.rows(0..<rows))], axis: 0
        ).value
    }
}
