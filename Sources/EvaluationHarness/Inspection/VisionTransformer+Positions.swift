import VisionBackbones

extension VisionTransformer {
    /// How positions are brought to pictures of `side` pixels; nil where they are used as trained or there are none.
    func positionResizeWords(side: Int) -> String? {
        let trained = configuration.imageSize
        guard positions != nil, side != trained else { return nil }
        let grids = "from \(trained / patchSize) to \(side / patchSize) a side"
        guard configuration.position == .learned else { return "sines computed again, \(grids)" }
        return "bicubic \(grids), a=-0.75, half-pixel centres, not antialiased"
            + (configuration.positionResize == .bicubicOffset ? ", 0.1 added to the size" : "")
    }
}
