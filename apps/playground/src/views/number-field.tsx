import { useId, useState } from "preact/hooks";
import { LIMITS, within } from "../state/settings.js";

/** A number within its limits. What is not one is marked and changes nothing. */
export function NumberField(props: {
  readonly label: string;
  readonly name: keyof typeof LIMITS;
  readonly value: number;
  readonly onChange: (value: number) => void;
}) {
  const { label, name, value, onChange } = props;
  const { least, most, whole } = LIMITS[name];
  const id = useId();
  const [wrong, setWrong] = useState(false);
  return (
    <label class="field" for={id}>
      <span>{label}</span>
      <input
        id={id}
        type="number"
        inputMode={whole ? "numeric" : "decimal"}
        min={least}
        max={most}
        step={whole ? 1 : "any"}
        value={value}
        aria-invalid={wrong}
        title={`${whole ? "a whole number" : "a number"} from ${least} to ${most}`}
        onChange={({ currentTarget }) => {
          const given = within(
            name,
            currentTarget.value === "" ? NaN : Number(currentTarget.value),
          );
          setWrong(given === undefined);
          if (given !== undefined) onChange(given);
        }}
      />
    </label>
  );
}
