"""Small configs of every kind of task, by what could go wrong with it across processes."""

STEPS = [
    *("trainer.max_steps=4", "trainer.val_check_interval=4", "trainer.log_every_n_steps=1"),
    *("trainer.accelerator=cpu", "metrics=none", "callbacks.progress=null"),
]
GAN = [
    *("data.image_size=16", "data.count=40", "data.batch_size=4", "model.generator.width=4"),
    *("model.discriminator.width=4", "callbacks.samples.count=4"),
]
NARROW_STYLES = ["model.generator.max_width=8", "model.discriminator.max_width=8", "model.generator.latent_dim=8"]
UNPAIRED = [
    *("data.image_size=32", "data.batch_size=2", "data.content.count=20", "data.style.count=20"),
    *("model.generator.width=4", "model.generator.blocks=1", "model.discriminator.width=4"),
    "model.discriminator.layers=1",
]
TRANSFER = ["data.image_size=16", "data.batch_size=2", "data.content.count=20", "data.style.count=4"]

RECIPES = {
    "batch_norm": [*GAN, "model=dcgan"],
    "critic_steps": [*GAN, "model=wgan_gp", "model.critic_steps=2"],
    "augmented": [*GAN, "model=dcgan", "loss=hinge", "augment=diffaugment"],
    "adaptive": [*GAN, "augment=ada", "augment.target=0.01", "augment.ramp_images=50", "augment.every=2"],
    "lecam": [*GAN, "model=dcgan", "loss=lecam"],
    "relativistic": [*GAN, "model=r3gan"],
    "lazy": [*GAN, "model=stylegan2", *NARROW_STYLES, "model.generator_terms.path_length.every=2"],
    "labelled": [*GAN, "model=biggan", "data.label=style"],
    "pool": [*UNPAIRED, "model=cyclegan", "model.pool=3"],
    "contrastive": [*UNPAIRED, "model=cut", "model.taps=[pixels,down1]", "model.patches=8", "model.heads.width=4"],
    "restored": [
        *("data=degraded", "model=restorer", "data.image_size=32", "data.batch_size=2", "data.root.count=20"),
        *("model.generator.width=4", "model.discriminator.width=4"),
    ],
    "any_style": [*TRANSFER, "model=adain"],
    "accumulated": [
        *(*TRANSFER, "model=multi_style", "data.label=picture", "model.network.width=4", "model.network.blocks=1"),
        "+trainer.accumulate_grad_batches=2",
    ],
}
