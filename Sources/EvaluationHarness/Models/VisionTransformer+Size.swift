import SafeFiles
import VisionBackbones

extension VisionTransformer {
    /// - Throws: `.configuration` for a picture size that this network cannot see.
    func demand(side: Int) throws(DataError) {
        func refused(_ expected: String) -> DataError {
            DataError(
                .configuration, file: "options", record: "size", expected: expected, found: "\(side)",
                remedy: "choose another size")
        }
        guard side > 0, side % patchSize == 0 else { throw refused("a multiple of the patch size \(patchSize)") }
        if let grid = configuration.block.relativeBiasSide, side != grid * patchSize {
            throw refused("\(grid * patchSize), the size its relative positions are for")
        }
    }
}
